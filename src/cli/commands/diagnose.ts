import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { systemClock } from '../../lib/clock.ts';
import type { ExaminedApp } from '../../lib/findings/diagnosis/bothSides.ts';
import type { Settings } from '../../lib/settings/settings.ts';
import { codeOf } from '../../lib/sockets.ts';
import { type Session, several } from '../session.ts';

interface DiagnoseOptions {
  app?: string;
  cache?: string[];
  ring?: string[];
  json?: boolean;
  html?: string;
  showKeys?: boolean;
}

/** Loaded when it is asked for: with it comes a parser of C#, which the function app does not have. */
async function diagnoseApp(path: string, settings: Settings, signal: AbortSignal): Promise<ExaminedApp[]> {
  const { diagnoseWebApps } = await import('../../lib/app/webAppDiagnosis.ts');
  return diagnoseWebApps(path, settings, systemClock, signal);
}

/** `diagnose`, on everything that is configured. */
export function addDiagnoseCommand(program: Command, session: Session, version: string): void {
  program
    .command('diagnose')
    .description(
      'Look for the cause of a symptom, on every cache and key ring that is configured. Changes nothing. Exit code 1 where a check fails.',
    )
    .option('--cache <name>', 'only this cache, or `all`; may be given several times', several)
    .option('--ring <name>', 'only this key ring, or `all`; may be given several times', several)
    .option(
      '--app <path>',
      'the source of a web app: its folder, a .zip of it, or one file; nothing else then, but what is named beside it (--cache, --ring), which is held against it. Runs nothing, and needs no settings',
    )
    .option('--json', 'one JSON document on stdout')
    .option('--html <file>', 'write the report as a page into this file')
    .option('--show-keys', 'show keys of entries, which name users, instead of a short hash')
    .action(async ({ app, cache, ring, json = false, html, showKeys = false }: DiagnoseOptions) => {
      const { maintenance, settings } = await session.openTolerant();
      const { signal } = session;
      const result = await maintenance.diagnosis.diagnose('cli', {
        caches: cache,
        rings: ring,
        app: app === undefined ? undefined : () => diagnoseApp(app, settings, signal),
        showKeys,
        signal,
        version,
      });
      if (json) console.log(JSON.stringify(result, undefined, 2));
      const { report, error } = result;
      if (!report) {
        if (error) await session.endedWith('diagnose', error, json);
        return;
      }
      if (!json) {
        const { diagnosisTable } = await import('../findingTables.ts');
        console.log(diagnosisTable(report, process.stdout.isTTY && settings.colours));
      }
      session.ended(report.status === 'critical' ? 'failed' : result.outcome);
      if (html === undefined) return;
      const { diagnosisPage } = await import('../../lib/pages/diagnosis/diagnosisPage.ts');
      try {
        await writeFile(html, diagnosisPage(report, settings.runbook).text);
      } catch (error) {
        console.error(
          `The page was not written to ${html} (${codeOf(error)}): choose a folder that is there and that you may write to.`,
        );
        session.exitCode = 1;
      }
    });
}
