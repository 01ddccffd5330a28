// A browser on the `/docs` page of an endpoint: what it loads and shows, and what "Send" on one route brings.
// Everything but this machine is unreachable for it. Prints one JSON object for each step.
import { launched } from "./browser.mjs";

const { ENDPOINT_URL, ROUTE, UNTIL, TOKEN, SCREENSHOT } = process.env;
const browser = await launched("127.0.0.1");
const tell = (step) => console.log(JSON.stringify(step));
try {
  const page = await browser.newPage({ viewport: { width: 1000, height: 900 } });
  const asked = [];
  const complaints = [];
  page.on("request", (request) => asked.push(request.url()));
  page.on("console", (message) => {
    // Browsers look for an icon of their own accord, and engines have none.
    const isIcon = new URL(message.location().url, ENDPOINT_URL).pathname === "/favicon.ico";
    if (message.type() === "error" && !isIcon) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(ENDPOINT_URL + "/docs");
  await page.locator("#routes details").first().waitFor();
  tell({
    title: await page.title(),
    routes: await page.locator("#routes summary").evaluateAll((all) =>
      all.map((one) => [one.querySelector(".verb").textContent, one.querySelector("code").textContent])),
  });
  if (TOKEN) {
    const again = page.waitForResponse((response) => response.url().endsWith(".json"));
    await page.locator("#token").fill(TOKEN);
    await page.locator("#token").blur();
    await again;
  }
  const path = page.locator("summary code", { hasText: new RegExp(`^${ROUTE}$`) });
  const box = page.locator("#routes details").filter({ has: path });
  await box.locator("summary").click();
  await box.getByRole("button", { name: "Send" }).click();
  const output = box.locator("pre");
  await output.filter({ hasText: UNTIL }).waitFor();
  await page.screenshot({ path: SCREENSHOT });
  tell({ output: await output.textContent(), asked, complaints });
} finally {
  await browser.close();
}
