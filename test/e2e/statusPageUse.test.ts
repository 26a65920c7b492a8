/** The status page of the built functions in a real Chromium, used by the keyboard alone: Tab, Enter and what a dialog takes. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hasChromium, startChromium } from '../support/chromium.ts';
import { startFunctionsApp } from '../support/functionsApp.ts';
import { useHttpApp } from '../support/httpApp.ts';
import { forgedPrincipal } from '../support/principal.ts';

const { app, database, storage, table } = useHttpApp();

describe.skipIf(!hasChromium())('the status page by the keyboard', () => {
  let browser: Browser;
  const ends: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    browser = await startChromium();
  });
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  afterAll(() => browser.close());

  async function open(address: string, headers: Record<string, string> = {}): Promise<Page> {
    const context = await browser.newContext({ extraHTTPHeaders: headers });
    ends.push(() => context.close());
    const page = await context.newPage();
    await page.goto(address);
    return page;
  }

  const focused = (page: Page) =>
    page.evaluate(
      "document.activeElement === document.body ? '' : document.activeElement.outerHTML",
    ) as Promise<string>;

  /** Everything that Tab comes to, once around the page. */
  async function walk(page: Page): Promise<string[]> {
    const met: string[] = [];
    for (let step = 0; step < 200; step += 1) {
      await page.keyboard.press('Tab');
      const now = await focused(page);
      if (now === '' || met.includes(now)) return met;
      met.push(now);
    }
    throw new Error('Tab goes on for ever');
  }

  async function tabTo(page: Page, text: string): Promise<void> {
    for (let step = 0; step < 200; step += 1) {
      await page.keyboard.press('Tab');
      if ((await focused(page)).includes(text)) return;
    }
    throw new Error(`Tab does not come to ${text}`);
  }

  it('comes to everything that can be used, and shows where it is', async () => {
    await app().call('POST', 'purge', { body: { dryRun: true } });
    const page = await open(`${app().url}/api/status?code=${app().functionKey}`);
    const usable = (await page.evaluate(
      `[...document.querySelectorAll('a[href], button, summary, [tabindex="0"]')].filter((element) => element.checkVisibility()).map((element) => element.outerHTML)`,
    )) as string[];
    expect(usable.length).toBeGreaterThan(1);
    expect((await walk(page)).sort()).toEqual([...new Set(usable)].sort());
    await tabTo(page, '<button');
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
  });

  it('asks for a dry run of a purge, once it is confirmed, and says what it found', async () => {
    const page = await open(`${app().url}/api/status?code=${app().functionKey}`);
    const questions: string[] = [];
    const answers = [false, true];
    page.on('dialog', async (dialog) => {
      questions.push(dialog.message());
      await (answers.shift() ? dialog.accept() : dialog.dismiss());
    });
    const runs = async () => (await app().call('GET', 'runs?job=purge')).json.runs as object[];
    const before = (await runs()).length;
    await tabTo(page, 'Dry run of a purge');
    await page.keyboard.press('Enter');
    expect(await runs()).toHaveLength(before);
    await page.keyboard.press('Enter');
    await page.getByText('A purge would delete 1,000 entries').waitFor();
    expect(questions).toEqual(Array(2).fill(expect.stringContaining('deletes nothing')));
    expect((await runs())[0]).toMatchObject({ trigger: 'http', dryRun: true, outcome: 'succeeded' });
    expect(await runs()).toHaveLength(before + 1);
    expect(await table().ids()).toHaveLength(1_001);
    // Where somebody is, they stay.
    expect(await focused(page)).toContain('Dry run of a purge');
  });

  it('tells who may only read what they lack, and runs nothing', async () => {
    const secured = await startFunctionsApp({
      AzureWebJobsStorage: storage().connectionString,
      TOKEN_CACHE_CONNECTION_STRING: database.url,
      WEBSITE_AUTH_ENABLED: 'True',
    });
    ends.push(() => secured.stop());
    const headers = { 'x-ms-client-principal': forgedPrincipal('TokenCache.Reader') };
    const page = await open(`${secured.url}/api/status?code=${secured.functionKey}`, headers);
    page.on('dialog', (dialog) => dialog.accept());
    const runs = async () => (await app().call('GET', 'runs?job=purge')).json.runs;
    const before = await runs();
    await tabTo(page, 'Dry run of a purge');
    await page.keyboard.press('Enter');
    await page.getByText('TokenCache.Operator').waitFor();
    await page.getByText('Nothing was deleted.').waitFor();
    expect(await runs()).toEqual(before);
  });
});
