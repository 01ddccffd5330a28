// Chromium for one page, headless, with nothing of its own to fetch: no updates, no synchronisation, no names to look up
// but those that are excepted.
import { chromium } from "playwright-core";

export const launched = (...excepted) => chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    `--host-resolver-rules=${["MAP * ~NOTFOUND", ...excepted.map((host) => `EXCLUDE ${host}`)].join(", ")}`,
  ],
});
