import type { KnipConfig } from 'knip';

/** What nothing imports, and is used all the same; all else that is unused fails `npm run check`. */
export default {
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
    'test/support/{commandEnd,functionsProcess,hostProcess}.ts',
  ],
  ignoreDependencies: [
    // Found by their path: a program, scripts for other worlds than Node.js's, and the compiler of the page.
    'azurite',
    'axe-core',
    '@kusto/language-service-next',
  ],
  // Programs of the machine; where one is missing, what needs it says so.
  ignoreBinaries: ['func', 'mkfifo', 'openssl', 'pgbouncer', 'redis-.+'],
} satisfies KnipConfig;
