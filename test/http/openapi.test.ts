import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, test } from "vitest";
import { apiApp } from "../../src/http/api.js";
import { apiPorts, bearersOf, startApi } from "../support/api.js";
import type { Document } from "../support/openapi.js";

const document = async () => (await (await startApi()).call("/api/v1/openapi.json")).json();

test("the document is valid by the OpenAPI Initiative's own schema", async () => {
  const result = await new Validator().validate((await document()) as Record<string, unknown>);
  expect(result).toEqual({ valid: true });
});

test("every route that is mounted is described, and nothing else is", async () => {
  const { paths } = (await document()) as Document;
  const described = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const { routes } = apiApp({ bearers: bearersOf(), ports: apiPorts() });
  const mounted = routes
    .filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
  expect(described.sort()).toEqual([...new Set(mounted)].sort());
  expect(described.length).toBeGreaterThan(15);
});

test("every operation has its own name", async () => {
  const { paths } = (await document()) as { paths: Record<string, Record<string, { operationId: string }>> };
  const names = Object.values(paths).flatMap((one) => Object.values(one).map((it) => it.operationId));
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual(expect.arrayContaining(["getRepos", "getReposOwnerName", "getOpenapiJson"]));
  for (const name of names) expect(name).toMatch(/^(get|post)[A-Z]\w+$/);
});

test("it needs the token, and describes how to send it and what refusals look like", async () => {
  const { call } = await startApi();
  expect((await call("/api/v1/openapi.json", "GET", "")).status).toBe(401);
  expect(await document()).toMatchObject({
    openapi: "3.1.0",
    security: [{ token: [] }],
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      schemas: { Problem: { required: expect.arrayContaining(["reason", "remedy"]) } },
    },
  });
});
