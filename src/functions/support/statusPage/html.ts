/** The template stands in src/lib: the command line makes a page too. */
export { Html, type HtmlValue, html, jsonData } from '../../../lib/html.ts';
