/** The built status page in a real Chromium: what it shows, on phone and desk, in both schemes, and what it keeps to itself. */
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type StatusSources, statusView } from '../../src/lib/status/statusView.ts';
import { root } from '../support/childProcess.ts';
import { hasChromium, serve, startChromium } from '../support/chromium.ts';
import { allWell, badNight } from '../support/statusSamples.ts';

const built = `${root}/dist/src/functions/support/statusPage/statusPage.js`;
type Built = typeof import('../../src/functions/support/statusPage/statusPage.ts');
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const screenshots = `${root}/test-results/status-page`;

describe.skipIf(!hasChromium())('the status page in Chromium', () => {
  let browser: Browser;
  let render: Built['statusPage'];
  const ends: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    browser = await startChromium();
    render = ((await import(built)) as Built).statusPage;
    mkdirSync(screenshots, { recursive: true });
  });
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  afterAll(() => browser.close());

  /** Opens the page of the sources. Requests and complaints of the browser are collected. */
  async function open(sources: () => StatusSources, options: BrowserContextOptions = {}, query = '') {
    const headers: Record<string, unknown>[] = [];
    const site = await serve((given) => {
      headers.push(given);
      return render(statusView(sources()));
    });
    const context = await browser.newContext(options);
    ends.push(site.stop, () => context.close());
    const page = await context.newPage();
    const complaints: string[] = [];
    const requests: string[] = [];
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(`${site.url}${query}`);
    return { page, complaints, requests, headers, url: site.url };
  }

  const widths = [390, 1400];
  const schemes = ['light', 'dark'] as const;
  const looks = widths.flatMap((width) => schemes.map((scheme) => [width, scheme] as const));

  it.each(looks)('shows everything at %i px in the %s scheme, and axe finds nothing serious', async (width, scheme) => {
    for (const [name, sources] of [
      ['night', badNight],
      ['well', allWell],
    ] as const) {
      const viewport = { width, height: 844 };
      const { page, complaints, requests } = await open(sources, { viewport, colorScheme: scheme });
      const { caches, redis } = statusView(sources());
      const expected = [...caches, ...redis].flatMap(({ plots }) =>
        plots.filter(({ times }) => times.length > 1),
      ).length;
      expect(await page.locator('.plot canvas').count()).toBe(expected);
      expect(await drawnPixels(page)).toEqual(Array(expected).fill(true));
      await page.screenshot({ path: `${screenshots}/${name}-${width}-${scheme}.png`, fullPage: true });
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
      expect(await seriousFindings(page)).toEqual([]);
      expect(complaints).toEqual([]);
      expect(requests).toHaveLength(1);
    }
  });

  async function seriousFindings(page: Page) {
    // Evaluated by the debugger, which the policy of the page does not bind.
    await page.evaluate(axe);
    const { violations } = (await page.evaluate('axe.run()')) as {
      violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[];
    };
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => [id, ...nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`)]);
  }

  /** Whether each plot has pixels of a series' own colour, that is, more than grid and axes. */
  function drawnPixels(page: Page): Promise<unknown> {
    return page.evaluate(`[...document.querySelectorAll('.plot canvas')].map((canvas) => {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      let coloured = 0;
      for (let i = 0; i < data.length; i += 4) {
        const parts = [data[i], data[i + 1], data[i + 2]];
        if (data[i + 3] > 200 && Math.max(...parts) - Math.min(...parts) > 60) coloured += 1;
      }
      return coloured > 100;
    })`);
  }
});
