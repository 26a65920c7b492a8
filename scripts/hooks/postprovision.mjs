/**
 * azd's hook after it provisioned: the app and the web apps get their users and rights in the databases, from the login of
 * whoever deploys. Where a database cannot be reached from here, or somebody else administers it, it prints what to run and
 * where. It ends with every warning of the deployment.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { az, outputOf, remember, root, run, say } from './commands.mjs';

const app = process.env.IDENTITY_NAME;
const consumers = outputOf('CONSUMERS', []);
/** A rule of a firewall holds everywhere after a minute or so. */
const [tries, pauseMs] = [10, Number(process.env.GRANT_PAUSE_MS ?? 15_000)];

// The command line needs its packages.
run(process.execPath, ['scripts/setup.mjs'], { stdio: ['ignore', 'inherit', 'inherit'] });

const missing = [];
for (const database of outputOf('DATABASES', [])) {
  const name = database.cache?.name ?? `key ring ${database.ring.name}`;
  const { status, error } = await granted(database);
  if (status === 0) say('ok', `The database of ${name} has its users and rights.`);
  else {
    missing.push(name);
    say('error', `The database of ${name} lacks its users: ${error}`);
    console.error(handOver(database));
  }
}
remember('GRANTS_MISSING', missing.join(', '));
const commands = outputOf('GRANT_COMMANDS', []);
if (commands.length > 0) {
  say('warning', 'Rights that you may not give. Somebody who may, runs:');
  for (const command of commands) console.log(`    ${command}`);
}
for (const warning of outputOf('WARNINGS', [])) say('warning', warning);

/** Where the server was made here and its firewall refuses this machine, that is opened for as long as it takes. */
async function granted(database) {
  const first = grant(database);
  const address = first.code === 'firewall' ? addressIn(first.error) : undefined;
  if (first.status === 0 || !database.createTable || !address) return first;
  const rule = firewallRule(database.server, address);
  try {
    rule.open();
    for (let attempt = 1; ; attempt += 1) {
      const next = grant(database);
      if (next.status === 0 || next.code !== 'firewall' || attempt === tries) return next;
      await pause(pauseMs);
    }
  } finally {
    rule.close();
  }
}

/** The address that the server refused, as the advice of the error names it. */
function addressIn(text) {
  return /(?:the address|from) ([0-9a-f:.]*[0-9a-f])/i.exec(text)?.[1];
}

function grant(database) {
  const { status, stdout, stderr } = run(
    process.execPath,
    ['bin/token-cache.js', 'grant', '--json', ...grantArguments(database)],
    {
      env: { ...process.env, ...settingsFor(database) },
    },
  );
  if (status === 0) return { status };
  try {
    const [{ error }] = JSON.parse(stdout).grants;
    return { status, code: error.code, error: `${error.message} ${error.advice}` };
  } catch {
    return { status, error: stderr.trim() || 'token-cache grant ended without a word' };
  }
}

/** As the function app has it, but for the login. */
function settingsFor({ cache, ring, connectionString }) {
  return {
    TOKEN_CACHES: cache ? JSON.stringify([cache]) : '',
    KEY_RINGS: ring ? JSON.stringify([{ ...ring, protector: { kind: 'none' } }]) : '',
    [(cache ?? ring.store).connectionStringSetting]: connectionString,
  };
}

/** Azure SQL knows a login by its client id, PostgreSQL by its object id. */
function grantArguments({ cache, ring, createTable, login }) {
  const bySid = (cache?.engine ?? ring.store.kind) === 'sqlserver';
  return [
    '--app',
    `${app}=${bySid ? process.env.IDENTITY_CLIENT_ID : process.env.IDENTITY_PRINCIPAL_ID}`,
    ...consumers.flatMap(({ name, clientId, principalId }) => [
      '--consumer',
      `${name}=${bySid ? clientId : principalId}`,
    ]),
    ...(cache ? ['--index', cache.index] : []),
    ...(createTable ? ['--create-table'] : []),
    ...(login && !bySid ? ['--login', login] : []),
  ];
}

/** What its administrator runs, from where the database can be reached; or pastes. */
function handOver(database) {
  const quoted = (text) => (/^[\w./=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  const settings = Object.entries(settingsFor(database)).filter(([, value]) => value !== '');
  const { stdout } = run(process.execPath, ['bin/token-cache.js', 'grant', '--print', ...grantArguments(database)], {
    env: { ...process.env, ...settingsFor(database) },
  });
  return [
    `  Let the Entra administrator of ${database.server} run this, in ${root}, from where the server can be reached:`,
    '    az login',
    `    export ${settings.map(([name, value]) => `${name}=${quoted(value)}`).join(' ')}`,
    `    npm run token-cache -- grant ${grantArguments(database).map(quoted).join(' ')}`,
    '  or paste this into a query window:',
    ...stdout
      .trimEnd()
      .split('\n')
      .map((line) => `    ${line}`),
  ].join('\n');
}

function firewallRule(server, address) {
  const [, , , , group, , , , name] = server.split('/');
  const flexible = /flexibleServers/i.test(server);
  const [program, naming] = flexible
    ? [
        ['postgres', 'flexible-server', 'firewall-rule'],
        ['--name', name, '--rule-name'],
      ]
    : [
        ['sql', 'server', 'firewall-rule'],
        ['--server', name, '--name'],
      ];
  const common = ['--resource-group', group, ...naming, 'token-cache-grant'];
  return {
    open() {
      say('warning', `The firewall of ${name} is opened for ${address} while the users are made.`);
      const { error } = az(...program, 'create', ...common, '--start-ip-address', address, '--end-ip-address', address);
      if (error) say('error', `It could not be opened: ${error}`);
    },
    close() {
      // PostgreSQL's alone asks back.
      const { error } = az(...program, 'delete', ...common, ...(flexible ? ['--yes'] : []));
      if (error)
        say('error', `The rule token-cache-grant of ${name} could not be taken away, do it yourself: ${error}`);
    },
  };
}
