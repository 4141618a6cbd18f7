// Bundle the third-party browser packages once into static/vendor/, which git ignores.
// Our own modules are served as they are; only bare-import packages need this step.

import { build } from "esbuild";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const packages = join(root, "node_modules");
const vendor = join(root, "static", "vendor");

// One file per concern: no shared chunks, so that a page loads only what it uses and no import has to be rewritten.
const bundles = {
  "lit.js": `export { LitElement, html, svg, nothing } from "lit";
    export { repeat } from "lit/directives/repeat.js";
    export { guard } from "lit/directives/guard.js";
    export { classMap } from "lit/directives/class-map.js";`,
  "markdown.js": `export { Marked } from "marked";
    export { default as DOMPurify } from "dompurify";`,
  "highlight.js": `import hljs from "highlight.js/lib/core";
    import python from "highlight.js/lib/languages/python";
    import json from "highlight.js/lib/languages/json";
    import markdown from "highlight.js/lib/languages/markdown";
    hljs.registerLanguage("python", python);
    hljs.registerLanguage("json", json);
    hljs.registerLanguage("markdown", markdown);
    export default hljs;`,
};

const copies = {
  "htmx.js": "htmx.org/dist/htmx.min.js",
  "swagger-ui.js": "swagger-ui-dist/swagger-ui-bundle.js",
  "swagger-ui.css": "swagger-ui-dist/swagger-ui.css",
  "fonts/inter.woff2": "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
  "fonts/jetbrains-mono.woff2": "@fontsource-variable/jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2",
};

await rm(vendor, { recursive: true, force: true });
await mkdir(join(vendor, "fonts"), { recursive: true });

await Promise.all(
  Object.entries(bundles).map(([name, contents]) =>
    build({
      stdin: { contents, resolveDir: root, loader: "js" },
      outfile: join(vendor, name),
      bundle: true,
      minify: true,
      format: "esm",
      target: "es2022",
      legalComments: "eof",
      logLevel: "error",
    }),
  ),
);

// Source maps are not shipped, and a comment that points at one breaks the hashing of static files.
const withoutSourceMap = (text) => text.replace(/^\/[/*]# sourceMappingURL=.*$/gm, "");

for (const [name, source] of Object.entries(copies)) {
  const target = join(vendor, name);
  if (/\.(js|css)$/.test(name)) {
    await writeFile(target, withoutSourceMap(await readFile(join(packages, source), "utf8")));
  } else {
    await copyFile(join(packages, source), target);
  }
}
