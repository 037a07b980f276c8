import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { VARIABLES } from "../../src/config/variables.js";
import { faultsOfCompose, faultsOfKubernetes } from "../support/manifests.js";
import { tempDir } from "../support/temp.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");
const variables = [...Object.keys(VARIABLES.shape), "NODE_ENV"];

interface Named {
  name: string;
}
interface Container {
  env: Named[];
  ports: Named[];
  volumeMounts: Named[];
  livenessProbe: { httpGet: { path: string; port: string } };
  readinessProbe: { httpGet: { path: string; port: string } };
}

test("deploy/kubernetes.yaml hangs together: labels, ports, volumes, probes, variables", () => {
  const documents = parseAllDocuments(read("deploy/kubernetes.yaml"), { uniqueKeys: true });
  expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
  const [service, set] = documents.map((it) => it.toJS()) as [Service, StatefulSet];
  expect([service.kind, set.kind]).toEqual(["Service", "StatefulSet"]);
  const { metadata, spec } = set.spec.template;
  expect(service.spec.selector).toEqual(metadata.labels);
  expect(set.spec.selector.matchLabels).toEqual(metadata.labels);
  expect(set.spec).toMatchObject({ serviceName: service.metadata.name, replicas: 1 });
  const [container] = spec.containers as [Container];
  const ports = container.ports.map(({ name }) => name);
  for (const { targetPort } of service.spec.ports) expect(ports).toContain(targetPort);
  for (const { httpGet } of [container.livenessProbe, container.readinessProbe])
    expect(ports).toContain(httpGet.port);
  expect(container.livenessProbe.httpGet.path).toBe("/healthz");
  expect(container.readinessProbe.httpGet.path).toBe("/readyz");
  const volumes = [...spec.volumes, ...set.spec.volumeClaimTemplates.map((it) => it.metadata)];
  expect(container.volumeMounts.map(({ name }) => name).sort()).toEqual(
    volumes.map(({ name }) => name).sort(),
  );
  for (const { name } of container.env) expect(variables).toContain(name);
});

interface Service {
  kind: string;
  metadata: Named;
  spec: { selector: object; ports: { targetPort: string }[] };
}
interface StatefulSet {
  kind: string;
  spec: {
    selector: { matchLabels: object };
    template: {
      metadata: { labels: object };
      spec: { containers: Container[]; volumes: Named[] };
    };
    volumeClaimTemplates: { metadata: Named }[];
  };
}

test("deploy/kubernetes-cluster.yaml is deploy/kubernetes.yaml with three nodes that reach each other", async () => {
  const text = read("deploy/kubernetes-cluster.yaml");
  expect(await faultsOfKubernetes(text)).toEqual([[]]);
  const [nodes, service, set] = parseAllDocuments(text).map((it) => it.toJS()) as [
    Service,
    Service,
    StatefulSet,
  ];
  const alone = parseAllDocuments(read("deploy/kubernetes.yaml")).map((it) => it.toJS()) as [
    Service,
    StatefulSet,
  ];
  expect(service).toEqual(alone[0]);
  expect(nodes).toMatchObject({ spec: { clusterIP: "None", selector: service.spec.selector } });
  expect(set).toMatchObject({ spec: { replicas: 3, serviceName: "lockstep-nodes" } });
  const [container] = set.spec.template.spec.containers as [Container];
  const [single] = alone[1].spec.template.spec.containers as [Container];
  const added = container.env
    .map(({ name }) => name)
    .filter((name) => !single.env.some((it) => it.name === name));
  expect(added).toEqual(["NODE_NAME", "NODE_URL", "NODE_INSECURE"]);
  for (const name of added) expect(variables).toContain(name);
});

test("deploy/kubernetes.yaml has fields that Kubernetes has, all that it must have, of the right types", async () => {
  const text = read("deploy/kubernetes.yaml");
  const mistakes = [
    ["targetPort:", "targetport:", /"targetport"' does not exist in type 'ServicePort'/],
    ["readOnlyRootFilesystem:", "readOnlyRootFileSystem:", /' does not exist in type 'SecurityContext'/],
    ["containerPort: 3000", 'containerPort: "3000"', /'string' is not assignable to type 'number'/],
    ["  serviceName: lockstep\n", "", /Property 'serviceName' is missing/],
    ["kind: StatefulSet", "kind: Stateful", /'Stateful'/],
    ["apps/v1", "apps/v1beta1", /Cannot find module/],
  ] as const;
  const wrongTexts = mistakes.map(([right, wrong]) => text.replace(right, wrong));
  const [faults, ...found] = await faultsOfKubernetes(text, ...wrongTexts);
  expect(faults).toEqual([]);
  for (const [index, [, wrong, told]] of mistakes.entries())
    expect(found[index], wrong).toEqual([expect.stringMatching(told)]);
});

test("compose.yaml is as the Compose Specification's schema has it", () => {
  const text = read("compose.yaml");
  expect(faultsOfCompose(text)).toEqual([]);
  for (const [right, wrong] of [
    ["read_only:", "readonly:"],
    ["read_only: true", 'read_only: "yes"'],
    ["secrets:\n  key", "secret:\n  key"],
  ] as const)
    expect(faultsOfCompose(text.replace(right, wrong)), wrong).not.toEqual([]);
});

test("compose.yaml sets variables that there are", () => {
  const { services } = parse(read("compose.yaml")) as {
    services: Record<string, { environment?: Record<string, string> }>;
  };
  const names = Object.values(services).flatMap(({ environment = {} }) => Object.keys(environment));
  for (const name of names) expect(variables).toContain(name);
});

test("the systemd unit sets variables that there are, and starts what the package has", () => {
  const unit = read("deploy/lockstep.service");
  const names = [...(/^Environment=(.*)$/m.exec(unit)?.[1] ?? "").matchAll(/(\w+)=/g)].map(
    ([, name]) => name,
  );
  expect(names).toContain("DATA_DIR");
  for (const name of names) expect(variables).toContain(name);
  expect(unit).toMatch(/^ExecStart=\S+node \/opt\/lockstep\/lib\/cli\.js start$/m);
});

const ANALYZE = "/usr/bin/systemd-analyze";

test.runIf(existsSync(ANALYZE))("systemd finds nothing wrong with the unit", () => {
  const file = join(tempDir(), "lockstep.service");
  copyFileSync(join(root, "deploy/lockstep.service"), file);
  const { stderr } = spawnSync(ANALYZE, ["verify", file], { encoding: "utf8" });
  const about = stderr.split("\n").filter((line) => line.includes("lockstep.service"));
  // It looks for the program, too, which may be elsewhere here.
  expect(about.filter((line) => !line.includes("/usr/bin/node"))).toEqual([]);
});
