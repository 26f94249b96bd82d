"""What the host calls: the two classes that the contract asks for. The rules are in `risk_approvals`."""

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.plugin import Capability, Description, Kind, SettingsFinding
from wit_world.exports.policy import Answer
from wit_world.imports.snapshot import Evaluation
from wit_world.imports.types import PluginError

from risk_approvals import ruling, schema
from risk_approvals.settings import Settings

# Filled by `configure`, before the host freezes this memory; each evaluation starts from it.
_settings: Settings | None = None


class Plugin(exports.Plugin):
    """What every plugin exports."""

    def describe(self) -> Description:
        return Description(
            name="risk-approvals",
            version="0.1.0",
            kinds=[Kind.APPROVAL_POLICY],
            summary="The riskier a change, the more people have to approve it",
            settings_schema=schema.text(),
            capabilities=[Capability("log", [], "to say how many approvals count")],
        )

    def configure(self, settings: str) -> None:
        global _settings
        read, findings = Settings.read(settings)
        if findings:
            raise Err([SettingsFinding(pointer, message) for pointer, message in findings])
        _settings = read


class Policy(exports.Policy):
    """What an approval policy exports beside that."""

    def decide(self, evaluation: Evaluation) -> Answer:
        if _settings is None:
            raise Err(PluginError("not-configured", "it was asked before it was configured"))
        return ruling.decide(_settings, evaluation)
