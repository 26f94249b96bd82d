"""What the host calls: the two classes that the contract asks for. The rules are in `risk_approvals`."""

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.plugin import Capability, Description, Readiness, SettingsFinding
from wit_world.exports.plugin import Settings as GivenSettings
from wit_world.exports.policy import Answer
from wit_world.imports.snapshot import Evaluation
from wit_world.imports.types import PluginError

from risk_approvals import rules, schema
from risk_approvals.settings import Settings

# Filled by `configure`, before the host freezes this memory; each evaluation starts from it.
_settings: Settings | None = None


class Plugin(exports.Plugin):
    """What every plugin exports."""

    def describe(self) -> Description:
        return Description(
            name="risk-approvals",
            version="0.1.0",
            title="Approvals by risk",
            summary="The riskier a change, the more people have to approve it",
            documentation="",
            licence="Apache-2.0",
            settings_schema=schema.text(),
            capabilities=[Capability("log", [], "to say how many approvals count", False)],
        )

    def configure(self, settings: GivenSettings) -> Readiness:
        global _settings
        read, findings = Settings.read(settings.json)
        wrong = [SettingsFinding(pointer, None, None, None, message) for pointer, message in findings]
        wrong += [SettingsFinding("", file.name, None, None, "it takes no files") for file in settings.files]
        if wrong:
            raise Err(wrong)
        _settings = read
        return Readiness(capabilities=[], codes=[], warnings=[])


class Policy(exports.Policy):
    """What an approval policy exports beside that."""

    def decide(self, evaluation: Evaluation) -> Answer:
        if _settings is None:
            raise Err(PluginError("not-configured", "it was asked before it was configured", False))
        return rules.decide(_settings, evaluation)
