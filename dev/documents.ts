import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Marked } from 'marked';

/** Pages for the browser, with the anchors of GitHub, so that links to sections lead there too. */
const markdown = new Marked({
  renderer: {
    heading({ tokens, depth, text }) {
      const id = text
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-');
      return `<h${depth} id="${id}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
    },
  },
});

const frame = (body: string) => `<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>Documents</title>
<style>body{font:1rem/1.5 system-ui;max-width:50rem;margin:1rem auto;padding:0 1rem}pre{overflow:auto}:target{background:#fd04}</style>
<main>${body}</main></html>
`;

/** Serves the documents of this checkout on a free port of this machine. */
export async function serveDocuments(root: string): Promise<{ url: string; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    // The URL's own rules leave no `..` in the path.
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    pageOf(root, pathname).then(
      (page) => response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function pageOf(root: string, path: string): Promise<string> {
  if (!/^(\/[\w-]+)+\.md$/.test(path)) throw new Error('There is no such document.');
  return frame(await markdown.parse(await readFile(join(root, 'docs', path), 'utf8')));
}
