import { createServer } from 'node:net';

/**
 * Looks whether the port is free, before anything is started that would have been in vain.
 * @throws Error that says what to do
 */
export async function checkPort(port: number): Promise<void> {
  const server = createServer();
  const problem = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    server.once('error', resolve);
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(undefined)));
  });
  if (!problem) return;
  const reason =
    problem.code === 'EADDRINUSE'
      ? 'is taken by another process (another `npm start`, or `func start`?)'
      : `cannot be used (${problem.code})`;
  throw new Error(
    `Port ${port} ${reason}.\nEnd that process, or choose another port: npm start -- --port ${port + 1 > 65_535 ? 7071 : port + 1}`,
  );
}
