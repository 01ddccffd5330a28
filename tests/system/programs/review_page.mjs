// A browser on the page of a review, from the disk and with no network: what it loads, complains of and shows, whether
// its filters work, what it is without scripts, and what axe says of it, light, dark, narrow and on paper.
// Prints one JSON object.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { launched } from "./browser.mjs";

const { PAGE, PICTURES } = process.env;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf-8");
const browser = await launched();
const told = { asked: [], complaints: [], dialogs: [] };

async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.on("request", (request) => told.asked.push(request.url()));
  page.on("console", (message) => told.complaints.push(message.text()));
  page.on("pageerror", (error) => told.complaints.push(String(error)));
  page.on("dialog", (dialog) => { told.dialogs.push(dialog.message()); dialog.dismiss(); });
  await page.goto(`file://${PAGE}`);
  return page;
}

const shown = (page) => page.locator(".finding:visible").evaluateAll((all) =>
  all.map((one) => `${one.dataset.severity} ${one.dataset.endpoint}`));
const picture = async (page, name) => {
  const { width, height } = await page.evaluate(() =>
    ({ width: innerWidth, height: Math.min(document.documentElement.scrollHeight, 6000) }));
  await page.screenshot({ path: `${PICTURES}/${name}.png`, fullPage: true, clip: { x: 0, y: 0, width, height } });
};
const overflows = (page) => page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
// Colours are all that differs between light and dark.
const judged = async (page, options = {}) => {
  const found = await page.evaluate((asked) => window.axe.run(asked), { resultTypes: ["violations"], ...options });
  return found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(" ")).slice(0, 3)}`);
};

try {
  const page = await open();
  told.title = await page.title();
  told.headings = await page.locator("h1, h2, h3").allTextContents();
  told.all = await shown(page);
  await picture(page, "light");
  await page.getByRole("checkbox", { name: /^warnings/ }).uncheck();
  told.withoutWarnings = await shown(page);
  told.count = await page.getByRole("status").textContent();
  await page.getByRole("button", { name: "Show all" }).click();
  await page.waitForFunction((count) => document.querySelectorAll(".finding:not([hidden])").length === count, told.all.length);
  const endpoint = told.all.map((one) => one.split(" ")[1]).find(Boolean) ?? "";
  await page.getByLabel("Endpoint", { exact: true }).selectOption(endpoint);
  told.ofOne = [endpoint, await shown(page)];
  await page.getByRole("button", { name: "Show all" }).click();
  await page.getByRole("searchbox").fill("no finding says this");
  told.none = [await shown(page), await page.getByText("No finding is like that.").isVisible()];
  await page.getByRole("searchbox").fill("");
  told.again = await shown(page);

  const fresh = await open();
  await fresh.keyboard.press("Tab");
  told.firstStop = await fresh.evaluate(() => document.activeElement.textContent);
  const summary = page.locator(".memory summary").first();
  if (await summary.count()) {
    await summary.focus();
    await page.keyboard.press("Enter");
    told.arithmetic = await page.locator(".memory .sums").first().innerText();
  }

  await page.emulateMedia({ colorScheme: "dark" });
  told.darkGround = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await picture(page, "dark");
  await page.emulateMedia({ colorScheme: "dark", media: "print" });
  told.paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  told.formOnPaper = await page.locator("#filters").isVisible();
  await page.pdf({ path: `${PICTURES}/print.pdf`, format: "A4" });
  await page.setViewportSize({ width: 794, height: 1123 });
  await picture(page, "print");
  await page.emulateMedia({ colorScheme: "light", media: "screen" });
  told.overflows = await overflows(page);
  await page.setViewportSize({ width: 360, height: 740 });
  told.overflowsNarrow = await overflows(page);
  await picture(page, "narrow");

  const still = await open({ javaScriptEnabled: false });
  told.withoutScripts = [await shown(still), await still.locator("#filters").isVisible()];

  // The page's own policy would keep axe out.
  const looked = await open({ bypassCSP: true });
  await looked.evaluate(axe);
  told.axeLight = await judged(looked);
  await looked.emulateMedia({ colorScheme: "dark" });
  told.axeDark = await judged(looked, { runOnly: ["color-contrast"] });
  console.log(JSON.stringify(told));
} finally {
  await browser.close();
}
