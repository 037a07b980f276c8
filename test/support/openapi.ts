import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

/** An OpenAPI document, parsed from JSON. */
export interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
}

interface Operation {
  description?: string;
  responses: Record<string, { content: Record<string, { schema: object }> }>;
}

/** Reports faults of answers: an undocumented status, media type or member, or a value of another type. */
export class AnswerCheck {
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });
  readonly #known = new Map<object, ValidateFunction>();
  readonly seen = new Set<string>();

  constructor(private readonly document: Document) {
    addFormats.default(this.#ajv);
    this.#ajv.addSchema({ $id: "doc", ...(closed(document) as object) });
  }

  /** @returns the faults; none when the answer is as documented */
  async faults(method: string, path: string, answer: Response): Promise<string[]> {
    const operation = this.document.paths[path]?.[method.toLowerCase()];
    const type = answer.headers.get("content-type")?.split(";")[0] ?? "";
    const documented = operation?.responses[answer.status]?.content[type];
    this.seen.add(`${method} ${path} ${answer.status}`);
    if (!documented) return [`${method} ${path}: ${answer.status} ${type} is not documented`];
    const validate = this.#validator(documented.schema, `${method} ${path} ${answer.status}`);
    validate(await answer.json());
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${path}${instancePath} ${message} ${JSON.stringify(params)}`,
    );
  }

  #validator(schema: object, name: string): ValidateFunction {
    const known = this.#known.get(schema);
    if (known) return known;
    const local = JSON.parse(JSON.stringify(closed(schema)).replaceAll('"#/components', '"doc#/components'));
    const made = this.#ajv.compile({ $id: name.replace(/\W+/g, "-"), ...local });
    this.#known.set(schema, made);
    return made;
  }
}

/** Returns the schema with undocumented members forbidden. */
function closed(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(closed);
  if (typeof node !== "object" || node === null) return node;
  const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, closed(value)]));
  const isObject = "properties" in node && !("additionalProperties" in node) && "type" in node;
  return isObject ? { ...copy, additionalProperties: false } : copy;
}
