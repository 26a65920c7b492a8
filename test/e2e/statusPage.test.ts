/** The built status page in a real Chromium: what it shows, on phone and desk, in both schemes, and what it keeps to itself. */
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Plot } from '../../src/lib/pages/status/plot.ts';
import { type StatusView, statusView } from '../../src/lib/pages/status/statusView.ts';
import { root } from '../support/childProcess.ts';
import { hasChromium, serve, startChromium } from '../support/chromium.ts';
import { allWell, badNight } from '../support/statusSources.ts';

const built = `${root}/dist/src`;
type Pages = typeof import('../../src/lib/pages/status/statusPage.ts');
type Answers = typeof import('../../src/functions/http/pageAnswer.ts');
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const screenshots = `${root}/test-results/status-page`;

describe.skipIf(!hasChromium())('the status page in Chromium', () => {
  let browser: Browser;
  let render: (view: StatusView) => ReturnType<Answers['pageAnswer']>;
  const ends: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    browser = await startChromium();
    const { statusPage } = (await import(`${built}/lib/pages/status/statusPage.js`)) as Pages;
    const { pageAnswer } = (await import(`${built}/functions/http/pageAnswer.js`)) as Answers;
    render = (view) => pageAnswer(statusPage(view));
    mkdirSync(screenshots, { recursive: true });
  });
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  afterAll(() => browser.close());

  /** Opens the page of the sources. Requests and complaints of the browser are collected. */
  async function open(view: () => StatusView | number, options: BrowserContextOptions = {}, query = '') {
    const headers: Record<string, unknown>[] = [];
    const site = await serve((given) => {
      headers.push(given);
      const shown = view();
      return typeof shown === 'number' ? { status: shown, headers: {}, body: '' } : render(shown);
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
      const { page, complaints, requests } = await open(() => statusView(sources()), { viewport, colorScheme: scheme });
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

  const night = () => statusView(badNight());
  const well = () => statusView(allWell());

  it('takes the key out of the address at once, and keeps it in memory for reading anew', async () => {
    const key = 'k3y-that-nobody-may-see';
    let view = night;
    const { page, url, headers, requests, complaints } = await open(() => view(), {}, `?code=${key}&clientId=default`);
    expect(page.url()).toBe(`${url}?clientId=default`);
    expect(
      await page.evaluate(
        '[history.length, history.state, document.cookie, localStorage.length, sessionStorage.length]',
      ),
    )
      // The blank page before is the other entry.
      .toEqual([2, null, '', 0, 0]);
    expect(await page.content()).not.toContain(key);
    view = well;
    await page.getByRole('button', { name: 'Reload' }).click();
    await page.getByRole('heading', { name: 'All is well' }).waitFor();
    expect(headers[1]).toMatchObject({ 'x-functions-key': key, accept: 'text/html' });
    expect(headers[1]).not.toHaveProperty('referer');
    expect(requests[1]).toBe(`${url}?clientId=default`);
    expect(await page.content()).not.toContain(key);
    expect(complaints).toEqual([]);
  });

  it('is whole after it has been read anew: title, plots, and the tables that were open', async () => {
    let view = night;
    const { page } = await open(() => view());
    expect(await page.title()).toBe('Look now · token caches');
    await page.getByText('Counts of web as a table').click();
    view = well;
    await page.getByRole('button', { name: 'Reload' }).click();
    await page.getByRole('heading', { name: 'All is well' }).waitFor();
    expect(await page.title()).toBe('All is well · token caches');
    const table = page.getByRole('region', { name: 'Counts of web' });
    expect(await table.isVisible()).toBe(true);
    expect(await table.getByRole('row').count()).toBe(49);
    expect(await drawnPixels(page)).toEqual([true, true, true, true]);
  });

  it('reads itself anew every minute, but not from under a reader who has the focus in it', async () => {
    const { page, requests, url } = await open(night);
    await page.clock.install();
    await page.reload();
    expect(requests).toHaveLength(2);
    await page.clock.runFor(61_000);
    await expect.poll(() => requests.length).toBe(3);
    await page.getByText('Counts of web as a table').click();
    await page.clock.runFor(180_000);
    expect(requests).toEqual([url, url, url]);
  });

  it('says why it could not be read anew, and leaves what it shows', async () => {
    let view: () => StatusView | number = night;
    const { page } = await open(() => view());
    for (const [status, text] of [
      [401, 'function key was refused'],
      [403, 'TokenCache.Reader'],
      [503, 'answered 503'],
    ] as const) {
      view = () => status;
      await page.getByRole('button', { name: 'Reload' }).click();
      await page.getByText(text).waitFor();
      expect(await page.getByRole('heading', { name: 'Look now' }).isVisible()).toBe(true);
    }
    view = night;
    await page.getByRole('button', { name: 'Reload' }).click();
    await expect.poll(() => page.locator('#reading-text').textContent()).toBe('');
  });

  it('shows hostile texts as texts, wherever they come from', async () => {
    const attack = `"'><img src=x onerror="window.hacked=1"><script>window.hacked=1</script></script></style><!--`;
    const named = new Set(['state', 'health', 'level', 'kind', 'unit', 'tone']);
    const hostile = (value: unknown, name = ''): unknown => {
      if (typeof value === 'string') return named.has(name) ? value : value + attack;
      if (Array.isArray(value)) return value.map((part) => hostile(part));
      if (value === null || typeof value !== 'object') return value;
      return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, hostile(part, key)]));
    };
    const plain = await open(night);
    const { page, complaints, requests } = await open(() => hostile(night()) as StatusView);
    const shape = `['img', 'script', 'style', 'svg', 'section', 'li', 'details', 'canvas', '[onerror]', 'main > *']
      .map((selector) => document.querySelectorAll(selector).length)`;
    expect(await page.evaluate(shape)).toEqual(await plain.page.evaluate(shape));
    expect(await page.evaluate('window.hacked')).toBeUndefined();
    expect((await page.evaluate('document.body.innerText')) as string).toContain(`cache portal${attack}`);
    expect(requests).toHaveLength(1);
    expect(complaints).toEqual([]);
  });

  it('runs no other script, takes no other style, and stands in no frame', async () => {
    const { page, url, complaints } = await open(night);
    await page.evaluate(`document.body.insertAdjacentHTML('beforeend', '<p id="styled" style="color: rgb(1, 2, 3)" onclick="window.hacked=1">x</p>');
      document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.hacked = 1' }));
      document.querySelector('#styled').click()`);
    expect(await page.evaluate('window.hacked')).toBeUndefined();
    expect(await page.evaluate(`getComputedStyle(document.querySelector('#styled')).color`)).not.toBe('rgb(1, 2, 3)');
    expect(complaints.join('\n')).toContain('Content Security Policy');
    const outer = await serve(() => ({
      headers: { 'content-type': 'text/html' },
      body: `<iframe src="${url}"></iframe>`,
    }));
    ends.push(outer.stop);
    await page.goto(outer.url);
    await expect.poll(() => complaints.join('\n')).toContain('frame-ancestors');
    expect(await page.frameLocator('iframe').getByRole('heading').count()).toBe(0);
  });

  it('draws readings that are missing, alone, or all alike', async () => {
    const view = well();
    const plot = (id: string, kind: Plot['kind'], values: (number | null)[]): Plot => ({
      id,
      title: id,
      kind,
      unit: 'seconds',
      times: values.map((_, step) => 1_795_000_000 + 5 * step),
      series: [{ label: 'Figure', tone: 'first', values }],
      summary: '',
    });
    const plots = [
      plot('none', 'lines', [null, null, null]),
      plot('gap', 'lines', [1, null, 3]),
      plot('alike', 'lines', [0, 0]),
      plot('bars', 'bars', [null, 2, 0]),
    ];
    const [cache] = view.caches;
    const { page, complaints } = await open(() => ({ ...view, caches: cache ? [{ ...cache, plots }] : [] }));
    expect(await page.locator('.plot canvas').count()).toBe(4);
    expect(complaints).toEqual([]);
  });

  it('draws anew in the colours of another scheme, and in another width', async () => {
    const { page } = await open(well, { colorScheme: 'light', viewport: { width: 1400, height: 844 } });
    const picture = `document.querySelector('.plot canvas').toDataURL()`;
    const light = await page.evaluate(picture);
    await page.emulateMedia({ colorScheme: 'dark' });
    await expect.poll(() => page.evaluate(picture)).not.toBe(light);
    await page.setViewportSize({ width: 390, height: 844 });
    await expect.poll(() => page.evaluate('document.documentElement.scrollWidth')).toBe(390);
  });

  it('is readable without its script', async () => {
    const { page } = await open(night, { javaScriptEnabled: false });
    expect(await page.getByRole('heading', { name: 'Look now' }).isVisible()).toBe(true);
    expect(await page.getByText('Run GRANT SELECT, DELETE').first().isVisible()).toBe(true);
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
