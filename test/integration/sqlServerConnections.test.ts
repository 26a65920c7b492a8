/** Opening, losing and closing connections: login errors, TLS, DNS, servers that say nothing, lines that go dead. */
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { start } from '../support/childProcess.ts';
import { certificateHost } from '../support/sqlServer/endpoint.ts';
import { errorFault, type Fault } from '../support/sqlServer/faults.ts';
import { noSecretIn, useScenario } from '../support/sqlServer/scenario.ts';
import { useEndpoint } from '../support/sqlServer/useEndpoint.ts';
import { startTcpProxy } from '../support/tcpProxy.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

const database = useTestDatabase();
const endpoint = useEndpoint(database);
const scenario = useScenario(database, endpoint);
const always = { times: 10_000 };
const before = () => ({ accepted: endpoint().accepted });

describe('a login', () => {
  it.each([40613, 40501, 40197, 10928, 10929, 49918, 4060])(
    'that fails for a while (%i) is tried again',
    async (number) => {
      const cache = scenario.open();
      endpoint().faults.on('login', errorFault(number), { times: 3 });
      const outcome = await scenario.run(cache);
      expect(outcome.report, outcome.error?.message).toMatchObject({ stopReason: 'drained' });
      await scenario.sound(cache, outcome);
    },
  );

  it.each([
    [40613, 'database_unavailable', ''],
    [4060, 'database_unavailable', 'Check `Database=`'],
  ])('that goes on failing (%i) is told when the budget ends', async (number, code, advice) => {
    const cache = scenario.open();
    // SQL Server says after most of them that the login failed; the first error tells why.
    endpoint().faults.on(
      'login',
      { ...errorFault(number), further: { number: 18456, message: 'Login failed.' } } as Fault,
      always,
    );
    const outcome = await scenario.run(cache, {}, { timeBudgetMs: 30_000 });
    expect(outcome.error).toMatchObject({ code, kind: 'transient', advice: expect.stringContaining(advice) });
    expect(outcome.error?.message).toContain(String(number));
    await scenario.sound(cache, outcome);
  });

  it.each([
    [18456, 'login_failed', 'CREATE USER [app user]', "Login failed for user 'app user'."],
    [
      40615,
      'firewall',
      'Allow the address 203.0.113.7 in the firewall of 127.0.0.1',
      "Cannot open server 'x' requested by the login. Client with IP address '203.0.113.7' is not allowed to access the server.",
    ],
    [
      47073,
      'firewall',
      'private endpoint',
      'An instance-specific error occurred. Deny Public Network Access is set to Yes.',
    ],
  ])('that is refused (%i) is not tried again', async (number, code, advice, message) => {
    const cache = scenario.open();
    const { accepted } = before();
    endpoint().faults.on('login', errorFault(number, message), always);
    const outcome = await scenario.run(cache);
    expect(outcome.error).toMatchObject({ code, kind: 'permanent', advice: expect.stringContaining(advice) });
    expect(endpoint().accepted).toBe(accepted + 1);
    await scenario.sound(cache, outcome);
  });

  it('with a wrong password says so, without it', async () => {
    const connectionString = `Server=127.0.0.1,${endpoint().port};User ID=app user;Password=wrong-secret-1;TrustServerCertificate=true`;
    const outcome = await scenario.run(scenario.open({ connectionString }));
    expect(outcome.error).toMatchObject({ code: 'login_failed', message: expect.stringContaining('18456') });
    expect(JSON.stringify(outcome) + String(outcome.error)).not.toContain('wrong-secret-1');
  });

  it('to a database that cannot be opened names the database, not the login', async () => {
    const connectionString = endpoint()
      .connectionString('TrustServerCertificate=true')
      .replace('Database=cache', 'Database=nowhere');
    const outcome = await scenario.run(scenario.open({ connectionString }), {}, { timeBudgetMs: 500 });
    expect(outcome.error).toMatchObject({ code: 'database_unavailable', message: expect.stringContaining('nowhere') });
    noSecretIn(outcome, endpoint());
  });

  it('that is cut off is tried again', async () => {
    const cache = scenario.open();
    endpoint()
      .faults.on('login', { kind: 'reset', when: 'before' })
      .on('connect', { kind: 'reset', when: 'before' }, { skip: 2 });
    const outcome = await scenario.run(cache);
    expect(outcome.report, outcome.error?.message).toMatchObject({ stopReason: 'drained' });
    await scenario.sound(cache, outcome);
  });
});

describe('a server that says nothing', () => {
  it.each(['connect', 'login'])('at %s is given up after the connect timeout, and tried again', async (occasion) => {
    const cache = scenario.open();
    endpoint().faults.on(occasion, { kind: 'blackHole' });
    const outcome = await scenario.run(cache);
    expect(outcome.report, outcome.error?.message).toMatchObject({ stopReason: 'drained' });
    await scenario.sound(cache, outcome);
  });

  it('at all ends the run after its budget', async () => {
    const cache = scenario.open();
    endpoint().faults.on('connect', { kind: 'blackHole' }, always);
    const outcome = await scenario.run(cache, {}, { timeBudgetMs: 1_000 });
    expect(outcome.error).toMatchObject({ code: 'database_unavailable', kind: 'transient' });
    await scenario.sound(cache, outcome);
  });

  it.each(['clock', 'nextRanges', 'deleteRange', 'backlog'])(
    'from %s on: ended by the deadline of the statement, and done on a new connection',
    async (statement) => {
      const cache = scenario.open({ statementTimeoutMs: 500 });
      endpoint().faults.on(statement, { kind: 'blackHole' });
      const outcome = await scenario.run(cache);
      expect(outcome.report, outcome.error?.message).toMatchObject({ stopReason: 'drained' });
      await endpoint().kill();
      await scenario.sound(cache, outcome);
    },
  );

  it('when the lock is to be released keeps nobody', async () => {
    const cache = scenario.open();
    endpoint().faults.on('unlock', { kind: 'blackHole' });
    const outcome = await scenario.run(cache);
    expect(outcome.report).toMatchObject({ stopReason: 'drained' });
    // The server holds the lock until it notices.
    const next = scenario.open();
    expect(await next.tryLock('purge')).toBeUndefined();
    await next.close();
    await endpoint().kill();
    await scenario.sound(cache, outcome);
  });

  it('since the line is dead ends the run within bounds, whatever was open', async () => {
    const proxy = await startTcpProxy(endpoint().port);
    const connectionString = endpoint()
      .connectionString('TrustServerCertificate=true')
      .replace(String(endpoint().port), String(proxy.port));
    const cache = scenario.open({ connectionString, statementTimeoutMs: 500 });
    const outcome = await scenario.run(
      cache,
      { onProgress: () => proxy.blackHole() },
      { timeBudgetMs: 2_000, batchTargetMs: 10 },
    );
    expect(['database_unavailable', 'aborted']).toContain(outcome.error?.code ?? outcome.report?.stopReason);
    proxy.pass();
    await endpoint().kill();
    await scenario.sound(cache, outcome);
    await cache.close();
    await proxy.close();
  });
});

describe('closing', () => {
  const within = async (ms: number, work: Promise<unknown>) => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not done within ${ms} ms`)), ms);
    });
    await Promise.race([work, late]).finally(() => clearTimeout(timer));
  };

  it.each(['hang', 'blackHole'] as const)('ends a statement under way (%s) at once', async (kind) => {
    const cache = scenario.open({ statementTimeoutMs: 60_000 });
    await cache.clock();
    endpoint().faults.on('clock', { kind });
    const failure = expect(cache.clock()).rejects.toMatchObject({ kind: 'transient' });
    await expect.poll(() => endpoint().faults.struck.at(-1)).toBe('clock');
    await within(30_000, cache.close());
    await failure;
  });

  it('ends a connection being opened at once', async () => {
    const connectionString = `${endpoint().connectionString('TrustServerCertificate=true')};Connect Timeout=60`;
    const cache = scenario.open({ connectionString });
    endpoint().faults.on('connect', { kind: 'blackHole' });
    const { accepted } = before();
    const failure = expect(cache.clock()).rejects.toMatchObject({ kind: 'transient' });
    await expect.poll(() => endpoint().accepted).toBe(accepted + 1);
    await within(30_000, cache.close());
    await failure;
  });

  it('lets the process end, though the server answers no more', async () => {
    endpoint().faults.on('nextRanges', { kind: 'blackHole' }, always);
    const { finished } = start('src/cli/main.ts', ['purge'], {
      TOKEN_CACHE_CONNECTION_STRING: endpoint().connectionString('TrustServerCertificate=true'),
      STATEMENT_TIMEOUT: 'PT1S',
      PURGE_TIME_BUDGET: 'PT3S',
    });
    const { code, stdout, stderr } = await finished;
    expect(code).toBe(1);
    expect(stderr).toContain('database_unavailable');
    expect(stdout + stderr).not.toContain('Endpoint-secret');
  });
});

describe('encryption', () => {
  const given = getCACertificates('default');
  beforeAll(() => setDefaultCACertificates([...given, endpoint().certificate.certificate]));
  afterAll(() => setDefaultCACertificates(given));

  it.each(['True', 'Strict'])('%s with the name of the certificate', async (encrypt) => {
    const cache = scenario.open({
      connectionString: endpoint().connectionString(`Encrypt=${encrypt};HostNameInCertificate=${certificateHost}`),
    });
    const outcome = await scenario.run(cache);
    expect(outcome.report, outcome.error?.message).toMatchObject({ stopReason: 'drained' });
    await scenario.sound(cache, outcome);
  });

  it.each(['True', 'Strict'])('%s with a certificate for another name is refused at once', async (encrypt) => {
    const cache = scenario.open({
      connectionString: endpoint().connectionString(`Encrypt=${encrypt};HostNameInCertificate=other.test`),
    });
    const { accepted } = before();
    const outcome = await scenario.run(cache);
    expect(outcome.error).toMatchObject({
      code: 'tls_certificate',
      kind: 'permanent',
      advice: expect.stringContaining('HostNameInCertificate'),
    });
    expect(endpoint().accepted).toBe(accepted + 1);
    noSecretIn(outcome, endpoint());
  });

  it('with a certificate that nobody vouches for is refused at once', async () => {
    setDefaultCACertificates(given);
    const cache = scenario.open({
      connectionString: endpoint().connectionString(`HostNameInCertificate=${certificateHost}`),
    });
    const outcome = await scenario.run(cache);
    setDefaultCACertificates([...given, endpoint().certificate.certificate]);
    expect(outcome.error).toMatchObject({ code: 'tls_certificate', kind: 'permanent' });
  });

  it('off works too, where the server allows it', async () => {
    const cache = scenario.open({ connectionString: endpoint().connectionString('Encrypt=False') });
    expect((await scenario.run(cache)).report).toMatchObject({ stopReason: 'drained' });
  });
});

describe('a name that does not resolve, or a port where nothing listens', () => {
  it.each([
    ['no-such-host.invalid,1433', 'host_not_found', 'no-such-host.invalid does not resolve'],
    ['127.0.0.1,1', 'database_unavailable', 'port, firewall'],
  ])('%s', async (server, code, advice) => {
    const connectionString = `Server=${server};User ID=u;Password=dns-secret-1;Connect Timeout=2`;
    const outcome = await scenario.run(scenario.open({ connectionString }), {}, { timeBudgetMs: 500 });
    expect(outcome.error).toMatchObject({ code, kind: 'transient', advice: expect.stringContaining(advice) });
    expect(JSON.stringify(outcome) + String(outcome.error)).not.toContain('dns-secret-1');
  });
});
