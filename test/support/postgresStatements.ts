import { connect, createServer, type Socket } from 'node:net';

/** What a client asked of PostgreSQL, as it went over the line: the server's log has the same number of lines. */
export interface StatementCounter {
  port: number;
  connections: number;
  /** How often a client waited for an answer. */
  roundTrips: number;
  /** Texts of the statements, each as often as it was executed. */
  statements: string[];
  close(): Promise<void>;
}

/** A proxy on loopback that reads along: frontend messages of protocol 3 (PostgreSQL, "Message Formats"), without TLS. */
export async function countStatements(targetPort: number): Promise<StatementCounter> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    counter.connections += 1;
    const target = connect(targetPort, '127.0.0.1');
    const read = readMessages((text) => counter.statements.push(text));
    let waits = false;
    client.on('data', (chunk) => {
      read(chunk);
      if (!waits) counter.roundTrips += 1;
      waits = true;
      target.write(chunk);
    });
    target.on('data', (chunk) => {
      waits = false;
      client.write(chunk);
    });
    for (const [from, to] of [
      [client, target],
      [target, client],
    ] as const) {
      sockets.add(from);
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
      from.on('close', () => sockets.delete(from));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (!address || typeof address === 'string') throw new Error('no port');
  const counter: StatementCounter = {
    port: address.port,
    connections: 0,
    roundTrips: 0,
    statements: [],
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return counter;
}

/** Calls `execute` with the text of each simple query, and of each statement that is executed after a Parse. */
function readMessages(execute: (text: string) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  let started = false;
  let parsed = '';
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      // The first message has no type.
      const head = started ? 1 : 0;
      if (rest.length < head + 4) return;
      const end = head + rest.readInt32BE(head);
      if (rest.length < end) return;
      const type = started ? String.fromCharCode(rest[0] ?? 0) : '';
      const [first = '', second = ''] = rest.toString('utf8', head + 4, end).split('\0');
      if (type === 'Q') execute(first);
      if (type === 'P') parsed = second;
      if (type === 'E') execute(parsed);
      started = true;
      rest = rest.subarray(end);
    }
  };
}
