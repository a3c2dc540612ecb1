// Makes index.html of src/: one file, with the page and the reader inside. `--check` compares only.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const folder = new URL(".", import.meta.url);
const read = (name) => readFileSync(new URL(name, folder), "utf8");
const bundled = async (entry) => {
  const { outputFiles } = await build({
    absWorkingDir: folder.pathname,
    entryPoints: [entry],
    bundle: true,
    charset: "utf8",
    format: "iife",
    legalComments: "none",
    minify: true,
    target: ["chrome112", "firefox115", "safari16.4"],
    write: false,
  });
  return outputFiles[0].text.trim();
};
const digest = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

const script = (await bundled("src/main.ts")).replaceAll("</script", "<\\/script");
const style = await bundled("src/style.css");
// Nothing runs but this script; no text becomes markup; data come from where a model is opened.
const policy = [
  "default-src 'none'",
  `script-src ${digest(script)}`,
  `style-src ${digest(style)}`,
  "connect-src http: https:",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");
const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>mlcore explorer</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<noscript>This page needs JavaScript.</noscript>
<script>${script}</script>
</body>
</html>
`;

if (process.argv.includes("--check")) {
  if (read("index.html") !== page) {
    console.error(
      "interop/explorer/index.html: expected what `npm run build` makes of src/, got another",
    );
    process.exit(1);
  }
} else {
  writeFileSync(new URL("index.html", folder), page);
}
