/** A node that cannot be looked at is a finding that names the step which failed. On real servers, one failure a test. */
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../../dev/freePort.ts';
import { root } from '../support/childProcess.ts';
import { writeEntries } from '../support/redisEntries.ts';
import { redisFound, startRedis, stopAllRedisServers } from '../support/redisServer.ts';
import { defaultPolicy, findingOf, lookOnce, nodeOf, quick, testWatch } from '../support/redisWatch.ts';
import { startTcpProxy } from '../support/tcpProxy.ts';

/** A server of one answer: what a real one says in states that a test cannot bring about in time. */
async function answering(reply: string): Promise<{ node: string; server: Server }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => socket.write(reply));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return { node: `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`, server };
}

describe('an unreachable node', () => {
  it('without a name', async () => {
    const { finding, report } = await lookOnce('no-such-host.invalid:6380', {}, {});
    expect(finding).toMatchObject({ step: 'name', level: 'critical', node: 'no-such-host.invalid:6380' });
    expect(finding?.advice).toContain('private DNS zone');
    expect(report).toMatchObject({ level: 'critical', nodes: [{ up: false, step: 'name' }] });
  });

  it('that refuses the connection', async () => {
    expect((await lookOnce(`127.0.0.1:${await freePort()}`)).finding).toMatchObject({ step: 'tcp' });
  });

  it.each([
    ['-LOADING Redis is loading the dataset in memory\r\n', 'loading'],
    ['-MOVED 866 10.0.0.1:6379\r\n', 'moved'],
    ['-BUSY Redis is busy running a script.\r\n', 'busy'],
    ['-DENIED Redis is running in protected mode.\r\n', 'permission'],
    ['-ERR unknown command `INFO`, with args beginning with: `secret-1`\r\n', 'permission'],
  ])('that answers %j', async (reply, step) => {
    const { node, server } = await answering(reply);
    const { finding, report } = await lookOnce(node);
    expect(finding).toMatchObject({ step });
    expect(JSON.stringify(report)).not.toContain('secret-1');
    server.close();
  });

  it.each([
    ['that is not a Redis', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['that never ends its answer', '$5000\r\n# Server\r\n'],
  ])('%s', async (_, reply) => {
    const { node, server } = await answering(reply);
    expect((await lookOnce(node, {}, { policy: { ...defaultPolicy, timeoutMs: 500 } })).finding).toMatchObject({
      step: 'answer',
    });
    server.close();
  });

  it('whose INFO says that it is loading', async () => {
    const info = '# Persistence\r\nloading:1\r\nloading_loaded_perc:41.52\r\nloading_eta_seconds:7\r\n';
    const { node, server } = await answering(`$${info.length}\r\n${info}\r\n`);
    const { finding } = await lookOnce(node);
    expect(finding).toMatchObject({ step: 'loading' });
    expect(finding?.what).toContain('42 % done, about 7 s left');
    server.close();
  });

  it('for whose login no token comes is given up at its deadline', async () => {
    const { node, server } = await answering('');
    const { finding } = await lookOnce(node, { login: () => new Promise(() => undefined) });
    expect(finding).toMatchObject({ step: 'authentication' });
    server.close();
  });

  it('does not keep a run from being ended', async () => {
    const { node, server } = await answering('');
    const stop = new AbortController();
    const watch = testWatch(node);
    const run = watch.look({ signal: stop.signal });
    setTimeout(() => stop.abort(), 100);
    await expect(run).rejects.toMatchObject({ code: 'watch_aborted' });
    expect(watch.state).toBeUndefined();
    server.close();
  });
});

describe.skipIf(!redisFound)('a real node', () => {
  afterEach(stopAllRedisServers);

  it('that was stopped with SIGSTOP is given up at its deadline, and seen again later', async () => {
    const server = await startRedis();
    const watch = testWatch(`${server.node},abortConnect=False`, quick);
    await watch.look();
    const before = watch.state?.nodes[server.node];
    server.signal('SIGSTOP');
    const hung = await watch.look();
    expect(findingOf(hung, 'redis-unreachable')).toMatchObject({ step: 'answer' });
    expect(watch.state?.nodes[server.node]).toEqual(before);
    server.signal('SIGCONT');
    const back = await watch.look();
    expect(findingOf(back, 'redis-unreachable')).toBeUndefined();
    expect(nodeOf(back).sinceLastLook?.kind).toBe('same');
  });

  it('whose line goes dead in mid-look is given up at its deadline', async () => {
    const server = await startRedis();
    const proxy = await startTcpProxy(server.port);
    const policy = { ...quick.policy, pings: 1_000 };
    const run = lookOnce(`127.0.0.1:${proxy.port}`, {}, { policy });
    setTimeout(() => proxy.blackHole(), 200);
    expect((await run).finding).toMatchObject({ step: 'answer' });
    await proxy.close();
  });

  it('whose line is reset in mid-look', async () => {
    const server = await startRedis();
    const proxy = await startTcpProxy(server.port);
    const run = lookOnce(`127.0.0.1:${proxy.port}`, {}, { policy: { ...defaultPolicy, pings: 500 } });
    setTimeout(() => proxy.reset(), 300);
    const { finding } = await run;
    expect(finding).toMatchObject({ step: 'answer' });
    expect(finding?.what).toContain('closed the connection');
    await proxy.close();
  });

  it('that runs a script for long', async () => {
    const server = await startRedis({ args: ['--busy-reply-threshold', '50'] });
    const script = server.client.duplicate();
    const running = script.eval('while true do end', 0).catch(() => undefined);
    await expect.poll(() => server.client.ping().catch((error: Error) => error.message)).toMatch(/^BUSY/);
    expect((await lookOnce(server.node)).finding).toMatchObject({ step: 'busy' });
    await server.client.script('KILL');
    await running;
    script.disconnect();
  });

  it('that holds its data on disk yet', async () => {
    const server = await startRedis({ args: ['--appendonly', 'yes', '--key-load-delay', '2000'] });
    await writeEntries(server.client, { count: 3_000, size: 1 });
    server.client.disconnect();
    const restarting = server.restart().catch(() => undefined);
    const watch = testWatch(`${server.node},abortConnect=False`);
    await expect
      .poll(async () => findingOf(await watch.look(), 'redis-unreachable')?.step, { timeout: 10_000, interval: 20 })
      .toBe('loading');
    await Promise.race([restarting, stopAllRedisServers()]);
  });

  it.each([
    ['no password', '', 'NOAUTH'],
    ['a wrong one', ',password=wrong-secret', 'WRONGPASS'],
    ['a wrong user', ',user=nobody,password=right-secret', 'WRONGPASS'],
  ])('that is given %s', async (_, login, word) => {
    const server = await startRedis({ args: ['--requirepass', 'right-secret'], client: { password: 'right-secret' } });
    const { finding, report } = await lookOnce(`${server.node}${login}`);
    expect(finding).toMatchObject({ step: 'authentication' });
    expect(finding?.what).toContain(word);
    expect(JSON.stringify(report)).not.toMatch(/(wrong|right)-secret/);
    expect((await lookOnce(`${server.node},password=right-secret`)).finding).toBeUndefined();
  });

  it('that needs no password and is given one, as the app gives it', async () => {
    const server = await startRedis();
    expect((await lookOnce(`${server.node},password=surplus`)).finding).toBeUndefined();
  });

  it('without the right to INFO, or to a part of the look', async () => {
    const server = await startRedis();
    await server.client.call('ACL', 'SETUSER', 'blind', 'on', '>pw-blind', '+ping');
    await server.client.call('ACL', 'SETUSER', 'narrow', 'on', '>pw-narrow', '+info', '+ping');
    await server.client.call(
      'ACL',
      'SETUSER',
      'right',
      'on',
      '>pw-right',
      '~*',
      '+info',
      '+ping',
      '+scan',
      '+pttl',
      '+type',
    );
    await writeEntries(server.client, { count: 5, ttlSeconds: 600 });
    const blind = await lookOnce(`${server.node},user=blind,password=pw-blind`);
    expect(blind.finding).toMatchObject({ step: 'permission' });
    expect(blind.finding?.advice).toContain('+info');
    const narrow = await lookOnce(`${server.node},user=narrow,password=pw-narrow`);
    expect(nodeOf(narrow.report)).toMatchObject({ databases: [{ keys: 5 }], keySample: null });
    expect(findingOf(narrow.report, 'commandRefused')?.what).toContain('refuses SCAN');
    const right = await lookOnce(`${server.node},user=right,password=pw-right`);
    expect(nodeOf(right.report).keySample?.keys).toBe(5);
    expect(findingOf(right.report, 'commandRefused')).toBeUndefined();
  });

  it('with the rights that the runbook names, is looked at in full', async () => {
    const runbook = await readFile(join(root, 'docs/reference/rights.md'), 'utf8');
    const [, rights = ''] = /^ACL SETUSER token-cache-maintenance on >PASSWORD (.+)$/m.exec(runbook) ?? [];
    const server = await startRedis();
    await server.client.call('ACL', 'SETUSER', 'runbook', 'on', '>pw-runbook', ...rights.split(' '));
    await server.client.select(1);
    await writeEntries(server.client, { count: 5 });
    const { report } = await lookOnce(`${server.node},user=runbook,password=pw-runbook,defaultDatabase=1`);
    expect(nodeOf(report)).toMatchObject({ keySample: { keys: 5 }, persistence: { kind: 'none' } });
    expect(findingOf(report, 'commandRefused')).toBeUndefined();
    await expect(server.client.call('ACL', 'DRYRUN', 'runbook', 'HGET', 'key', 'data').then(String)).resolves.toContain(
      'no permissions',
    );
  });

  it('with a database that it does not have', async () => {
    const server = await startRedis({ args: ['--databases', '4'] });
    const { finding } = await lookOnce(`${server.node},defaultDatabase=9`);
    expect(finding?.what).toContain('there is no such database');
  });
});
