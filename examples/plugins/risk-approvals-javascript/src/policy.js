// What the host calls: the two interfaces of the contract that an approval policy exports. The rules stand beside it.

import { decide } from "./rules.js";
import { SCHEMA } from "./schema.js";
import { readSettings } from "./settings.js";

// Filled by `configure`, before the host freezes this memory; each evaluation starts from it.
let settings;

export const plugin = {
  describe() {
    return {
      name: "risk-approvals",
      version: "0.1.0",
      title: "Approvals by risk",
      summary: "The riskier a change, the more people have to approve it",
      documentation: "",
      licence: "Apache-2.0",
      settingsSchema: JSON.stringify(SCHEMA),
      capabilities: [{ name: "log", scope: [], reason: "to say how many approvals count", optional: false }],
    };
  },

  configure({ json, files }) {
    const [read, findings] = readSettings(json);
    findings.push(...files.map(({ name }) => ({ pointer: "", file: name, message: "it takes no files" })));
    if (findings.length > 0) throw findings;
    settings = read;
    return { capabilities: [], codes: [], warnings: [] };
  },
};

export const policy = {
  decide(evaluation) {
    if (settings === undefined) {
      throw { code: "not-configured", message: "it was asked before it was configured", transient: false };
    }
    try {
      return decide(settings, evaluation);
    } catch (error) {
      // A mistake in the program: the contract wants a code, and its text has to reach whoever mends it.
      if (error instanceof Error) {
        throw { code: "exception", message: `${error} (${error.stack.split("\n")[0]})`, transient: false };
      }
      throw error;
    } finally {
      // The evaluation is lent, and given back here.
      evaluation[Symbol.dispose]();
    }
  },
};
