import { type Command, InvalidArgumentError } from 'commander';
import type { GrantedTable } from '../../lib/app/grants.ts';
import { systemClock } from '../../lib/clock.ts';
import { type ErrorReport, toErrorReport } from '../../lib/errors.ts';
import type { Grantee, GrantRequest } from '../../lib/sql/grants.ts';
import { type Session, several } from '../session.ts';

interface GrantOptions {
  cache?: string[];
  ring?: string[];
  app?: Grantee;
  consumer?: Grantee[];
  index: 'manage' | 'observe';
  createTable?: boolean;
  replace?: boolean;
  login?: string;
  print?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

/** `grant`: the database users of this tool and of the web apps, with the least rights that each needs. */
export function addGrantCommand(program: Command, session: Session): void {
  program
    .command('grant')
    .description(
      'Give an identity its user and its least rights in the database of a SQL cache, or of a key ring in a table, from your own login as its administrator. Safe to run again.',
    )
    .option(
      '--app <name=id>',
      'the identity of the function app: it reads and deletes; of a ring that it manages, it writes',
      grantee('app'),
    )
    .option(
      '--consumer <name=id>',
      'a web app: it reads and writes entries, and reads a ring; may be given several times',
      (value, list: Grantee[] = []) => [...list, grantee('consumer')(value)],
    )
    .addHelpText('after', '\nThe id is the client id on Azure SQL, and the object (principal) id on PostgreSQL.')
    .option('--cache <name>', 'only this cache; may be given several times', several)
    .option('--ring <name>', 'only this key ring, by its mode; may be given several times', several)
    .option('--index <what>', 'observe: the app may not create the expiry index (no ALTER)', indexChoice, 'manage')
    .option('--create-table', 'make the table of a cache and its index where they are missing')
    .option('--replace', "drop a web app's user of that name that stands for another identity")
    .option('--login <name>', 'PostgreSQL: the role that you log in as; default: the name in your Entra token')
    .option('--print', 'print the statements for somebody else to run; asks no server')
    .option('--dry-run', 'the same')
    .option('--json', 'one JSON document on stdout')
    .action(async (options: GrantOptions) => {
      const grantees = [...(options.app ? [options.app] : []), ...(options.consumer ?? [])];
      if (grantees.length === 0) return session.refuse('Say who gets rights: --app NAME=ID, --consumer NAME=ID.');
      const tables = await session.sqlTables(options);
      if (!tables) return;
      const settings = await session.settings();
      const request: GrantRequest = {
        grantees,
        index: options.index,
        createTable: options.createTable ?? false,
        replace: options.replace ?? false,
        indexName: settings.purge.index.name,
      };
      const print = options.print ?? options.dryRun ?? false;
      const targets: Target[] = [
        ...tables.caches.map((cache) => ({ subject: { cache: cache.name }, place: cache, request })),
        ...tables.rings.map(({ name, store, policy }) => ({
          subject: { ring: name },
          place: store,
          request: { ...request, ring: policy.mode },
        })),
      ];
      const results = [];
      for (const target of targets)
        results.push(
          print
            ? { ...target.subject, statements: await printed(target) }
            : { ...target.subject, ...(await granted(session, target, options.login)) },
        );
      if (options.json) console.log(JSON.stringify({ grants: results }, undefined, 2));
      for (const result of results) {
        const name = 'cache' in result ? result.cache : result.ring;
        if ('error' in result) await session.endedWith(`grant ${name}`, result.error, options.json);
        if (options.json) continue;
        if ('statements' in result) console.log(result.statements);
        if ('done' in result) console.log(`grant ${name}\n${result.done.map((line) => `  ${line}`).join('\n')}`);
      }
    });
}

interface Target {
  subject: { cache: string } | { ring: string };
  place: GrantedTable;
  request: GrantRequest;
}

async function granted(
  session: Session,
  { place, request }: Target,
  login: string | undefined,
): Promise<{ done: string[] } | { error: ErrorReport }> {
  try {
    const { statementTimeoutMs } = await session.settings();
    const { openGranter } = await import('../../lib/app/grants.ts');
    const granter = await openGranter(place, { statementTimeoutMs, login, clock: systemClock });
    try {
      return { done: await granter.grant(request) };
    } finally {
      await granter.close();
    }
  } catch (error) {
    return { error: forAdministrators(toErrorReport(error)) };
  }
}

/** The advice of these codes is for the app's own login; here an administrator is to log in. */
function forAdministrators(error: ErrorReport): ErrorReport {
  const advice: Partial<Record<ErrorReport['code'], string>> = {
    permission_missing:
      'Log in as an administrator of the database (az login), or give one what `token-cache grant --print` prints.',
    login_failed:
      'Log in as the Entra administrator of the server (az login; on PostgreSQL --login NAME where the token has another name), or give one what `token-cache grant --print` prints.',
  };
  return { ...error, advice: advice[error.code] ?? error.advice };
}

/** One database after the other: a client is connected to one. */
async function printed({ subject, place, request }: Target): Promise<string> {
  const { grantScript } = await import('../../lib/app/grants.ts');
  return (await grantScript(place, request))
    .map(({ database, lines }) =>
      [
        `-- ${'cache' in subject ? `Cache ${subject.cache}` : `Key ring ${subject.ring}`}, in the database ${JSON.stringify(database)}, as its administrator:`,
        ...lines,
      ].join('\n'),
    )
    .join('\n\n');
}

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** `NAME=ID`; a name may hold `=`. */
const grantee =
  (as: Grantee['as']) =>
  (value: string): Grantee => {
    const at = value.lastIndexOf('=');
    const [name, id] = [value.slice(0, at).trim(), value.slice(at + 1).trim()];
    if (at < 0 || !guid.test(id)) throw new InvalidArgumentError('Write it as NAME=ID, where ID is a GUID.');
    // The longest name that both engines keep whole.
    if (name === '' || Buffer.byteLength(name) > 63 || name.includes('\0'))
      throw new InvalidArgumentError('The name must have 1 to 63 bytes.');
    return { name, id, as };
  };

function indexChoice(value: string): 'manage' | 'observe' {
  if (value === 'manage' || value === 'observe') return value;
  throw new InvalidArgumentError('It must be manage or observe.');
}
