import type { KnipConfig } from 'knip';

/** What nothing imports, and is used all the same; all else that is unused fails `npm run check`. */
export default {
  workspaces: {
    '.': {
      entry: [
        // The Functions host loads them, by `main` of package.json.
        'src/functions/*.ts',
        // scripts/buildStatusPage.mjs bundles it for the browser.
        'src/lib/pages/browser/main.ts',
        // azd runs them, by azure.yaml.
        'scripts/hooks/p*.mjs',
        // Programs that run in processes of their own.
        'bench/{endpointProcess,pacer,purgeWay,signIns}.ts',
        'bench/cost/invocations.ts',
      ],
      // Found by its path: a program.
      ignoreDependencies: ['azurite'],
    },
    test: {
      entry: ['**/*.test.ts', 'support/{commandEnd,functionsProcess,hostProcess,tellMany}.ts'],
      // A program of `npm run check`; scripts for other worlds than Node.js's, found by their path.
      ignoreDependencies: ['@biomejs/biome', '@kusto/language-service-next', 'axe-core'],
    },
  },
  // Of the workspace `test`, and programs of the machine; where one of these is missing, what needs it says so.
  ignoreBinaries: ['biome', 'knip', 'func', 'mkfifo', 'openssl', 'pgbouncer', 'redis-.+'],
} satisfies KnipConfig;
