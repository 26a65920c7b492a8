/**
 * Makes script and style of the status page, each one file beside the functions that serve it: the page asks for nothing
 * from outside, so uPlot is in them, and a deployed app needs no package for it.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const folder = 'src/lib/pages/status';
const path = (relative) => fileURLToPath(new URL(`../${relative}`, import.meta.url));

const bundle = await rolldown({ input: path(`src/lib/pages/browser/main.ts`) });
const { output } = await bundle.generate({ format: 'iife', minify: true });
await bundle.close();
// uPlot's licence asks to be in every copy.
const uPlot = dirname(createRequire(import.meta.url).resolve('uplot/package.json'));
const script = `/*! Holds uPlot (https://github.com/leeoniya/uPlot):\n${await readFile(`${uPlot}/LICENSE`, 'utf8')}*/\n${output[0].code}`;

const sheets = ['colours', 'page', 'charts'].map((name) => readFile(path(`src/lib/pages/browser/${name}.css`), 'utf8'));
const { frameStyle } = await import('../dist/src/lib/pages/frameStyle.js');
const uPlotStyle = await readFile(`${uPlot}/dist/uPlot.min.css`, 'utf8');
const style = [uPlotStyle, frameStyle, ...(await Promise.all(sheets))].join('\n');

// They stand in elements of a page: these would end or change the element.
if (/<\/script|<!--/i.test(script) || /<\/style/i.test(style))
  throw new Error('The page cannot hold this script or style.');
await writeFile(path(`dist/${folder}/page.js`), script);
await writeFile(path(`dist/${folder}/page.css`), style);
