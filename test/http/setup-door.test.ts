import { expect, it } from "vitest";
import type { Handler } from "../../src/http/handler.js";
import { setupDoor } from "../../src/http/setup-door.js";
import { serveAll } from "../support/listen.js";

const FORM = '<form action="https://github.com/settings/apps/new" method="post">';
const html = { "content-type": "text/html" };

/** A handler behind the door, in place of Probot's setup page. */
async function pageOf(answer: Handler): Promise<{ status: number; type: string | null; text: string }> {
  const url = await serveAll(setupDoor({ host: undefined, publicUrl: undefined }), answer);
  const got = await fetch(`${url}/probot`);
  return { status: got.status, type: got.headers.get("content-type"), text: await got.text() };
}

const serving =
  (page: string, headers: Record<string, string> = html): Handler =>
  async (_, response) => {
    response.writeHead(200, headers).end(page);
    return true;
  };

it("puts a state of its own into the form of Probot's page, and changes nothing else", async () => {
  const pages = [];
  for (const org of ["", "/organizations/a-b"]) {
    const form = FORM.replace("/settings", `${org}/settings`);
    const page = `<p>é $& $1</p>${form}</form>`;
    const given = await pageOf(serving(page, { ...html, "content-length": String(Buffer.byteLength(page)) }));
    expect(given).toMatchObject({ status: 200, type: "text/html" });
    expect(given.text.replace(/\?state=[\w-]{43}/, "")).toBe(page);
    pages.push(given.text.replace(org, ""));
  }
  expect(pages[0]).not.toBe(pages[1]);
});

it("withholds a page whose form it does not recognize", async () => {
  for (const page of [
    "",
    "<h1>Setup</h1>",
    FORM + FORM,
    FORM.replace("action=", "method='get' action="),
    FORM.replace("/new", "/new?state=x"),
    FORM.replace("/settings/apps/new", "/elsewhere"),
  ])
    expect(await pageOf(serving(page)), page).toEqual({
      status: 500,
      type: "text/plain; charset=utf-8",
      text: expect.stringMatching(/does not recognize Probot.*npm ci.*\/probot\/import/),
    });
});

it("passes on Probot's own failures unchanged", async () => {
  const failing: Handler = async (_, response) => {
    response.writeHead(500).end();
    return true;
  };
  expect(await pageOf(failing)).toEqual({ status: 500, type: null, text: "" });
});
