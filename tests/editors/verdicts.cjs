// verdicts.cjs PACKAGES BOTTLE: the verdict of ajv (draft-7) beside bottle's, on the examples, the documents' manifests and every mistake of
// tests/golden/mistakes. Where bottle refuses by more than the schema, tests/golden/mistakes/by-more-than-the-schema names the file.
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const [packages, bottle] = process.argv.slice(2).map((name) => path.resolve(name));
const load = require("node:module").createRequire(packages + "/");
const Ajv = load("ajv").default;
const YAML = load("yaml");

const tree = path.resolve(__dirname, "../..");
const read = (file) => fs.readFileSync(path.join(tree, file), "utf8");
let failed = 0;
let asked = 0;
function check(holds, text) {
  asked += 1;
  if (holds) return;
  failed += 1;
  console.log(`editors: FAILED: ${text}`);
}

// The schema that editors are given is the one that the program carries.
const schema = JSON.parse(read("schema/bottle.v1.schema.json"));
check(execFileSync(bottle, ["schema"], { encoding: "utf8" }) === read("schema/bottle.v1.schema.json"), "bottle schema prints another schema than the file");
// Strict: a misspelt keyword of the schema is an error. Not so where a rule for whole bottles names a key that is described elsewhere.
const ajv = new Ajv({ strict: true, strictTypes: false, strictRequired: false, allErrors: true });
const validate = ajv.compile(schema);
const policySchema = JSON.parse(read("schema/host_policy.v1.schema.json"));
const validatePolicy = ajv.compile(policySchema);

// Every default and every example fits the very key that it stands at.
function eachNode(node, where, visit) {
  visit(node, where);
  for (const [key, member] of Object.entries(node.properties ?? {})) eachNode(member, `${where}/${key}`, visit);
  for (const others of ["items", "additionalProperties"]) if (typeof node[others] === "object") eachNode(node[others], `${where}/*`, visit);
}
for (const [root, name] of [[schema, ""], [policySchema, "host policy "]]) {
  eachNode(root, name, (node, where) => {
    const { allOf, ...alone } = node;
    for (const value of [...(node.examples ?? []), ...("default" in node ? [node.default] : [])]) {
      check(ajv.validate(alone, value), `${where}: ${JSON.stringify(value)} does not fit its own key`);
    }
  });
}

// An editor's verdict: its own YAML reader, then the schema.
function editor(text) {
  const documents = YAML.parseAllDocuments(text, { version: "1.2" });
  const problems = [];
  for (const document of documents) {
    for (const error of document.errors) problems.push(error.message);
    if (document.errors.length === 0 && !validate(document.toJS())) problems.push(ajv.errorsText(validate.errors));
  }
  return problems;
}

function ours(text) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bottle-editors-"));
  try {
    fs.mkdirSync(path.join(folder, "rootfs"));
    fs.mkdirSync(path.join(folder, ".hello/rootfs"), { recursive: true });
    fs.cpSync(path.join(tree, "manifests/examples/reviewer"), path.join(folder, "reviewer"), { recursive: true });
    fs.copyFileSync(path.join(tree, "manifests/examples/base.yaml"), path.join(folder, "base.yaml"));
    fs.writeFileSync(path.join(folder, "bottle.yaml"), text);
    execFileSync(bottle, ["validate", "-f", "bottle.yaml"], { cwd: folder, stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
    return "";
  } catch (error) {
    if (error.status !== 2) throw error;
    return error.stderr;
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

// What stands in the tree as a manifest is one, to both; a host policy is one to its schema (bottle reads it in tests/manifests/docs_test.cpp).
const whole = fs.readdirSync(path.join(tree, "manifests/examples")).filter((name) => name.endsWith(".yaml")).map((name) => ["manifests/examples/" + name, read("manifests/examples/" + name)]);
for (const file of ["README.md", ...fs.readdirSync(path.join(tree, "docs")).map((name) => "docs/" + name)]) {
  for (const [, text] of read(file).matchAll(/^```yaml\n([\s\S]*?)^```$/gm)) if (text.includes("apiVersion:")) whole.push([file, text]);
}
check(whole.length >= 5, `only ${whole.length} manifests are in the tree`);
for (const [file, text] of whole) {
  if (/^kind: HostPolicy$/m.test(text)) {
    check(validatePolicy(YAML.parse(text)), `${file}: its host policy is none: ${ajv.errorsText(validatePolicy.errors)}`);
    continue;
  }
  check(editor(text).length === 0, `${file}: an editor refuses it: ${editor(text)}`);
  check(ours(text) === "", `${file}: bottle refuses it: ${ours(text)}`);
}

// What is broken is broken to both, or bottle knows more.
const more = new Set(read("tests/golden/mistakes/by-more-than-the-schema").split("\n").filter((line) => line && !line.startsWith("#")).map((line) => line.split(/\s/)[0]));
const mistakes = fs.readdirSync(path.join(tree, "tests/golden/mistakes")).filter((name) => name.endsWith(".yaml")).map((name) => name.slice(0, -".yaml".length));
let bySchema = 0;
for (const name of mistakes) {
  const text = read(`tests/golden/mistakes/${name}.yaml`);
  check(ours(text) !== "", `${name}: bottle takes it`);
  const problems = editor(text);
  if (problems.length > 0) bySchema += 1;
  if (more.has(name)) check(problems.length === 0, `${name}: stands in by-more-than-the-schema, and an editor refuses it: ${problems}`);
  else check(problems.length > 0, `${name}: an editor takes it; if bottle knows more than the schema can, add it to by-more-than-the-schema`);
}
for (const name of more) check(mistakes.includes(name), `${name}: stands in by-more-than-the-schema, and is none of the mistakes`);
check(bySchema >= 50, `an editor refuses only ${bySchema} of the mistakes`);

console.log(`editors: ${asked} checks, ${failed} failed (${whole.length} manifests, ${mistakes.length} mistakes, ${bySchema} of them refused by the schema)`);
process.exit(failed === 0 ? 0 : 1);
