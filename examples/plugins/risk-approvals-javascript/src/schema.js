// The JSON Schema of the settings, and a validator that reports all errors, in the order of the keys.
//
// It supports as much of JSON Schema as these settings need.

import { inOrder } from "./order.js";

const approvals = (description, more) => ({
  description,
  type: "integer",
  format: "uint32",
  minimum: 0,
  maximum: 20,
  ...more,
});

export const SCHEMA = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "Settings",
  description: "How many people have to approve, and which approvals count.",
  type: "object",
  properties: {
    approvals: {
      description: "How many people have to approve, by the risk of the change.",
      $ref: "#/$defs/Approvals",
    },
    role: {
      description: "The role in which they have to approve. Without it, an approval in any role counts.",
      type: ["string", "null"],
      minLength: 1,
      format: "lockgate-role",
    },
    "max-age-days": {
      description: "For how many days an approval counts. Without it, for as long as it says itself.",
      type: ["integer", "null"],
      format: "uint32",
      minimum: 1,
      maximum: 3650,
    },
  },
  additionalProperties: false,
  required: ["approvals"],
  $defs: {
    Approvals: {
      description: "How many people have to approve, by risk.",
      type: "object",
      properties: {
        low: approvals("At a low risk."),
        medium: approvals("At a medium risk."),
        high: approvals("At a high risk."),
        critical: approvals("At a critical risk. Without it, as many as at a high one.", {
          type: ["integer", "null"],
        }),
      },
      additionalProperties: false,
      required: ["low", "medium", "high"],
    },
  },
};

const TYPES = {
  // A number is only called whole if the value is one that is not.
  integer: { words: (value) => (typeof value === "number" ? "a whole number" : "a number"), fits: Number.isInteger },
  string: { words: () => "a text", fits: (value) => typeof value === "string" },
  object: { words: () => "a table", fits: isTable },
  null: { words: () => "nothing", fits: (value) => value === null },
};

/** All mistakes against the schema, each with pointer and message. */
export function findingsIn(value, schema = SCHEMA, at = "") {
  if (schema.$ref !== undefined) {
    return findingsIn(value, SCHEMA.$defs[schema.$ref.slice("#/$defs/".length)], at);
  }
  const types = [schema.type].flat();
  if (!types.some((name) => TYPES[name].fits(value))) {
    const wanted = types.filter((name) => name !== "null").map((name) => TYPES[name].words(value));
    return [{ pointer: at, message: `expected ${wanted.join(" or ")}, got ${got(value)}` }];
  }
  if (isTable(value)) return findingsInMembers(value, schema, at);
  if (value === "" && schema.minLength === 1) {
    return [{ pointer: at, message: "the text must not be empty" }];
  }
  if (value !== null && value < schema.minimum) {
    return [{ pointer: at, message: `expected at least ${schema.minimum}, got ${got(value)}` }];
  }
  if (value !== null && value > schema.maximum) {
    return [{ pointer: at, message: `expected at most ${schema.maximum}, got ${got(value)}` }];
  }
  return [];
}

function findingsInMembers(members, schema, at) {
  const missing = schema.required
    .filter((key) => !Object.hasOwn(members, key))
    .map((key) => ({ pointer: at, message: `\`${key}\` is missing` }));
  const present = inOrder(Object.keys(members)).flatMap((key) => {
    const place = `${at}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    if (Object.hasOwn(schema.properties, key)) {
      return findingsIn(members[key], schema.properties[key], place);
    }
    const known = inOrder(Object.keys(schema.properties)).map((name) => `\`${name}\``);
    return [{ pointer: place, message: `unknown key \`${key}\`; known keys: ${known.join(", ")}` }];
  });
  return [...missing, ...present];
}

function isTable(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function got(value) {
  if (isTable(value)) return "a table";
  if (Array.isArray(value)) return "a list";
  if (value === null) return "nothing";
  if (typeof value !== "string") return String(value);
  const characters = [...value];
  return characters.length > 60 ? `text "${characters.slice(0, 60).join("")}…"` : `text "${value}"`;
}
