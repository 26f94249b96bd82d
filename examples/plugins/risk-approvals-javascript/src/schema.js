// The JSON Schema of the settings, and what a value has to be changed in to fit it.
//
// As much of JSON Schema as these settings need. Everything that is wrong is found at once, in the order of the keys.

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
  integer: { words: "a whole number", fits: (value) => Number.isInteger(value) },
  string: { words: "a text", fits: (value) => typeof value === "string" },
  object: { words: "a table", fits: isTable },
  null: { words: "nothing", fits: (value) => value === null },
};

/** All that is wrong with the shape of a value, as pointers and messages. */
export function findingsIn(value, schema = SCHEMA, at = "") {
  if (schema.$ref !== undefined) {
    return findingsIn(value, SCHEMA.$defs[schema.$ref.slice("#/$defs/".length)], at);
  }
  const types = [schema.type].flat();
  if (!types.some((name) => TYPES[name].fits(value))) {
    const wanted = types.filter((name) => name !== "null").map((name) => TYPES[name].words);
    return [{ pointer: at, message: `${wanted.join(" or ")} is expected here, not ${show(value)}` }];
  }
  if (isTable(value)) return findingsInMembers(value, schema, at);
  if (value === "" && schema.minLength === 1) {
    return [{ pointer: at, message: "an empty text is not allowed here" }];
  }
  if (value !== null && value < schema.minimum) {
    return [{ pointer: at, message: `at least ${schema.minimum} is expected, not ${show(value)}` }];
  }
  if (value !== null && value > schema.maximum) {
    return [{ pointer: at, message: `at most ${schema.maximum} is expected, not ${show(value)}` }];
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
    return [{ pointer: place, message: `\`${key}\` is not known here; known are: ${known.join(", ")}` }];
  });
  return [...missing, ...present];
}

function isTable(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function show(value) {
  if (isTable(value)) return "a table";
  if (Array.isArray(value)) return "a list";
  if (value === null) return "nothing";
  const characters = [...String(value)];
  return characters.length > 60 && typeof value === "string"
    ? `\`${characters.slice(0, 60).join("")}…\``
    : `\`${value}\``;
}
