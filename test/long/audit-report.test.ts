// The HTML report in a real Chromium: what a security officer sees, and what a hostile name does not do.
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AccountsReport } from "../../src/audit/accounts.ts";
import { prepareAudit, runChecks } from "../../src/audit/audit.ts";
import { listPeople } from "../../src/audit/people.ts";
import { formatAuditsHtml } from "../../src/cli/commands/audit/html/many.ts";
import { formatAuditHtml } from "../../src/cli/commands/audit/html/report.ts";
import type { User } from "../../src/iam/snapshot.ts";
import { makeAccount, makeAccountOf, makeUser, now } from "../audit/account-of.ts";
import { chromiumPath, hasChromium, startBrowser } from "../helpers/browser.ts";
import { withFob } from "../helpers/shells.ts";
import { makeWorld, temporaryFolder } from "../helpers/world.ts";

const testInChromium = test.skipIf(!hasChromium);
if (!hasChromium) test.skip("chromium is not installed: the HTML report is not opened", () => undefined);

let browser: Browser;
beforeAll(async () => {
  if (hasChromium) browser = await startBrowser();
});
afterAll(async () => {
  if (chromiumPath !== undefined) await browser.close();
});

/** Opens a report, and makes sure that nothing is wrong with it: no error, no violation of its policy, no request. */
async function withReport(html: string, options: BrowserContextOptions, work: (page: Page) => Promise<void>) {
  const file = join(temporaryFolder(), "audit.html");
  writeFileSync(file, html);
  const url = pathToFileURL(file).href;
  const context = await browser.newContext(options);
  try {
    const page = await context.newPage();
    const problems: string[] = [];
    page.on("console", (message) => problems.push(`console: ${message.text()}`));
    page.on("pageerror", (error) => problems.push(`error: ${error.message}`));
    page.on("dialog", (dialog) => problems.push(`dialog: ${dialog.message()}`));
    page.on("request", (request) => problems.push(...(request.url() === url ? [] : [`request: ${request.url()}`])));
    await page.goto(url);
    await work(page);
    expect(problems).toEqual([]);
  } finally {
    await context.close();
  }
}

const formatReport = ({ snapshot, options }: ReturnType<typeof makeAccount>): string => {
  const input = prepareAudit(snapshot, options);
  return formatAuditHtml(runChecks(input), input);
};

async function auditSandbox(scenario: string): Promise<string> {
  const world = await makeWorld();
  const script = `fob sandbox code ada | fob login ada --code-stdin >/dev/null 2>&1; fob audit --profile ada --format html`;
  const { stdout } = await world.fob(["sandbox", "--scenario", scenario, "--", "sh", "-c", script], {
    ...{ env: withFob(world.env), cwd: world.home },
  });
  return stdout;
}

/** The names of the users that are shown, without their paths. */
const listNames = async (page: Page): Promise<readonly string[]> =>
  (await page.locator(".users tbody tr:visible th").allTextContents()).map((text) => text.replace(/ path \/.*/s, ""));

testInChromium(
  "sorts by click and by keyboard, searches, says how many, and prints without the search box",
  async () => {
    const report = await auditSandbox("team-enforced");
    await withReport(report, {}, async (page) => {
      await page.emulateMedia({ media: "screen" });
      expect(await page.title()).toBe("MFA audit of account 123456789012");
      const byFile = await listNames(page);
      expect(byFile).toHaveLength(13);
      const head = page.getByRole("columnheader", { name: "Access keys" });
      await head.getByRole("button").click();
      expect(await head.getAttribute("aria-sort")).toBe("ascending");
      await page.keyboard.press("Enter");
      expect(await head.getAttribute("aria-sort")).toBe("descending");
      expect((await listNames(page)).slice(0, 2)).toEqual(["old-break-glass", "hal"]);
      await page.keyboard.press("Shift+Tab");
      await page.keyboard.press("Space");
      expect(await page.locator("[aria-sort]").allTextContents()).toEqual(["Password"]);

      const search = page.getByRole("searchbox", { name: "Search users" });
      await search.fill("OPEN security key");
      expect(await listNames(page)).toEqual(["finn"]);
      expect(await page.getByRole("status").textContent()).toBe("1 of 13");
      await search.fill("");
      expect(await listNames(page)).toHaveLength(13);

      await page.emulateMedia({ media: "print" });
      expect(await search.isVisible()).toBe(false);
      expect(await page.getByRole("navigation").isVisible()).toBe(false);
      expect(await listNames(page)).toHaveLength(13);
      const pdf = await page.pdf();
      expect(pdf.subarray(0, 5).toString()).toBe("%PDF-");
      expect(pdf.length).toBeGreaterThan(20_000);
    });
  },
);

testInChromium("without JavaScript all users are there, and nothing that does not work", async () => {
  const report = formatReport(makeAccount([makeUser("ben"), makeUser("cleo")]));
  await withReport(report, { javaScriptEnabled: false }, async (page) => {
    expect(await page.locator(".users tbody tr").count()).toBe(2);
    expect(await page.getByRole("button").count()).toBe(0);
    expect(await page.getByRole("searchbox").count()).toBe(0);
  });
});

testInChromium("many entries are folded, and printed all the same", async () => {
  const users = Array.from({ length: 40 }, (_, index) => makeUser(`user-${index}`));
  await withReport(formatReport(makeAccount(users)), {}, async (page) => {
    const isLastShown = `document.querySelector("#check-every-active-user-has-mfa tbody tr:last-child").checkVisibility({ contentVisibilityAuto: true })`;
    expect(await page.evaluate(isLastShown)).toBe(false);
    await page.emulateMedia({ media: "print" });
    await expect.poll(() => page.evaluate(isLastShown), { timeout: 10_000 }).toBe(true);
  });
});

interface Inspection {
  readonly looked: number;
  readonly background: string;
  readonly headings: readonly string[];
  readonly width: number;
}

/** Scripts that run in the page, and are no modules. */
const readScript = (name: string): string =>
  readFileSync(resolve(import.meta.dirname, `../helpers/${name}.cjs`), "utf8");

testInChromium.each([
  ["light", 1280],
  ["dark", 1280],
  ["dark", 400],
] as const)(
  "%s, %i pixels wide: contrast, names, headings, landmarks, and nothing wider than the window",
  async (colorScheme, width) => {
    const unread = { unknown: "no permission for iam:ListMFADevices" };
    const users = [makeUser("ben"), makeUser("cleo", { devices: unread, password: unread, path: "/eng/" })];
    const options = { colorScheme, viewport: { width, height: 900 } };
    await withReport(formatReport(makeAccount(users)), options, async (page) => {
      const { looked, headings, background, ...found } = await page.evaluate<Inspection>(readScript("inspect-page"));
      expect(found).toEqual({
        ...{ weak: [], lang: "en", landmarks: [], repeatedIds: [], deadLinks: 0, unnamed: [], width },
      });
      expect(looked).toBeGreaterThan(100);
      expect(background).toBe(colorScheme === "dark" ? "rgb(18, 22, 28)" : "rgb(255, 255, 255)");
      expect(headings.filter((name) => name === "H1")).toHaveLength(1);
    });
  },
);

/** Two accounts that were read, one that could not be, and one that is not active. */
function formatMany(name: string): string {
  const look = (users: readonly User[]) => {
    const { snapshot, options } = makeAccount(users);
    const input = prepareAudit(snapshot, options);
    return { audit: { value: runChecks(input) }, people: listPeople(input) };
  };
  const report: AccountsReport = {
    accounts: [
      { name: "dev", account: "123456789012", ...look([makeUser("ben"), makeUser("cleo")]) },
      { name: "test", account: "111111111111", audit: { unknown: `no session for ${name}` } },
      { name, account: "123456789012", ...look([makeUser(name), makeUser("dan"), makeUser("erin")]) },
    ],
    inactive: [{ name, account: "333333333333", state: "SUSPENDED" }],
  };
  return formatAuditsHtml(report, now);
}

testInChromium(
  "many accounts: all in one table, each folded, unfolded by its link, and sorted for itself",
  async () => {
    const name = "<script>alert(1)</script>";
    for (const colorScheme of ["light", "dark"] as const) {
      await withReport(formatMany(name), { colorScheme, viewport: { width: 400, height: 900 } }, async (page) => {
        expect(await page.title()).toBe("MFA audit of 3 accounts, of which 1 could not be read");
        const rows = await page.locator(".accounts tbody tr").allTextContents();
        expect(rows).toHaveLength(4);
        expect(rows[0]).toContain("111111111111 (test)could not be read");
        expect(rows[3]).toContain(`333333333333 (${name})not active (SUSPENDED), and not looked at`);
        const second = page.locator("#account-2-users");
        expect(await second.isVisible()).toBe(false);
        await page.locator(".accounts").getByRole("link", { name }).click();
        expect(await second.isVisible()).toBe(true);
        const names = second.locator("tbody th:visible");
        await second.getByRole("columnheader", { name: "User" }).getByRole("button").click();
        await second.getByRole("columnheader", { name: "User" }).getByRole("button").click();
        expect(await names.allTextContents()).toEqual(["erin", "dan", name]);
        await second.getByRole("searchbox").fill("dan");
        expect(await names.allTextContents()).toEqual(["dan"]);
        expect(await page.locator("#account-1-users [aria-sort]").count()).toBe(0);
        const { weak, repeatedIds, deadLinks, unnamed, landmarks, width } = await page.evaluate<
          Inspection & Record<string, unknown>
        >(readScript("inspect-page"));
        expect({ weak, repeatedIds, deadLinks, unnamed, landmarks, width }).toEqual({
          ...{ weak: [], repeatedIds: [], deadLinks: 0, unnamed: [], landmarks: [], width: 400 },
        });
        await page.emulateMedia({ media: "print" });
        await expect.poll(() => page.locator("#account-1-users").isVisible()).toBe(true);
      });
    }
  },
);

const attacks = [
  ...["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style></script><script>alert(1)</script>"],
  ...["<svg/onload=alert(1)>", "' onmouseover='alert(1)", "<!--", "\u202ebad\u2066", "\u001b[31m", "<base href=//x>"],
];

testInChromium("hostile texts run nothing, load nothing and are shown as they are", async () => {
  const { snapshot } = makeAccountOf("x");
  const users = attacks.map((text) => makeUser(text, { path: `/${text}/`, groups: [text] }));
  const account = makeAccount(users, { alias: { value: attacks.join("") }, root: snapshot.root });
  await withReport(formatReport(account), {}, async (page) => {
    expect((await listNames(page)).slice(0, 6)).toEqual(attacks.slice(0, 6));
    expect(await page.locator("img, base, script:not([type=module])").count()).toBe(0);
    await page.getByRole("searchbox").fill("<svg/onload");
    expect(await listNames(page)).toEqual(["<svg/onload=alert(1)>"]);
  });
});

testInChromium("the policy of the page stops a script that got in all the same", async () => {
  const report = formatReport(makeAccount([makeUser("ben")]));
  const broken = report.replace(
    "<main>",
    "<main><script>document.title = 'run'</script><img src='https://example.com/x.png'>",
  );
  const file = join(temporaryFolder(), "broken.html");
  writeFileSync(file, broken);
  const page = await browser.newPage();
  const messages: string[] = [];
  page.on("console", (message) => messages.push(message.text()));
  await page.goto(pathToFileURL(file).href);
  expect(await page.title()).toBe("MFA audit of account 123456789012");
  expect(messages.filter((text) => text.includes("Content Security Policy"))).toHaveLength(2);
  await page.close();
});

testInChromium("5,000 users: below 5 MB, and 100 of them laid out", async () => {
  const users = Array.from({ length: 5000 }, (_, index) =>
    makeUser(`user-${(index * 7919) % 5000}`, { groups: [`team-${index % 40}`, "developers"] }),
  );
  const report = formatReport(makeAccount(users));
  expect(Buffer.byteLength(report)).toBeLessThan(5e6);
  await withReport(report, {}, async (page) => {
    expect(await page.locator(".users tbody tr:not([hidden], .later)").count()).toBe(100);
  });
});

testInChromium("of many users the first 100 are shown until all are asked for, and all are printed", async () => {
  const users = Array.from({ length: 250 }, (_, index) =>
    makeUser(`user-${index}`, { groups: [`team-${index % 5}.`] }),
  );
  await withReport(formatReport(makeAccount(users)), {}, async (page) => {
    expect(await listNames(page)).toHaveLength(100);
    await page.getByRole("searchbox").fill("team-4.");
    expect(await listNames(page)).toHaveLength(50);
    await page.getByRole("searchbox").fill("");
    const head = page.getByRole("columnheader", { name: "User" }).getByRole("button");
    await head.click();
    await head.click();
    expect((await listNames(page)).slice(0, 2)).toEqual(["user-249", "user-248"]);
    await page.emulateMedia({ media: "print" });
    expect(await listNames(page)).toHaveLength(250);
    await page.emulateMedia({ media: "screen" });
    await page.getByRole("button", { name: "Show all 250" }).press("Enter");
    expect((await listNames(page)).slice(-2)).toEqual(["user-1", "user-0"]);
    expect(await page.getByRole("button", { name: /^Show all/ }).isVisible()).toBe(false);
  });
});
