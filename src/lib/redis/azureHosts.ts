/** Domains of Azure Cache for Redis, and of its Enterprise tiers (AzureOptionsProvider.cs of StackExchange.Redis). */
const cacheDomains = [
  '.redis.cache.windows.net',
  '.redis.cache.chinacloudapi.cn',
  '.redis.cache.usgovcloudapi.net',
  '.redisenterprise.cache.azure.net',
];
/** Domains of Azure Managed Redis, from the same source. */
const managedDomains = ['.redis.azure.net', '.redis.chinacloudapi.cn', '.redis.usgovcloudapi.net'];

export function isAzureHost(host: string): boolean {
  return endsIn(host, [...cacheDomains, ...managedDomains]);
}

/** Whether StackExchange.Redis encrypts where the connection string does not say `ssl`. */
export function usesTlsByDefault({ host, port }: { host: string; port: number | undefined }): boolean {
  return (port === 6380 && isAzureHost(host)) || (port === 10_000 && endsIn(host, managedDomains));
}

function endsIn(host: string, domains: string[]): boolean {
  return domains.some((domain) => host.toLowerCase().endsWith(domain));
}
