import { lookup } from 'node:dns/promises';
import { connect, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { checkServerIdentity, type PeerCertificate, type TLSSocket } from 'node:tls';
import type { Evidence } from '../../../checks/check.ts';
import { MaintenanceError } from '../../../errors.ts';
import { codeOf, settled, tlsOver } from '../../../sockets.ts';
import type { SqlTls } from '../../../sql/sqlConnection.ts';
import type { ProbeSteps } from './probe.ts';

const wrongNameCode = 'ERR_TLS_CERT_ALTNAME_INVALID';

export interface TlsExpectation extends Omit<SqlTls, 'direct'> {
  alpn?: string[];
}

/** What the server's certificate says, whether it is accepted or not. */
export interface CertificateFacts {
  /** Common name, or the first alternative name. */
  name: string;
  issuer: string;
  validTo: Date;
  chainLength: number;
  /** OpenSSL's code, or `ERR_TLS_CERT_ALTNAME_INVALID`; undefined where it is trusted and made for this name. */
  problem: string | undefined;
  tlsVersion: string;
}

/** What its client calls the parts of an address: advice names no other client's keywords. */
export interface ClientWords {
  address: string;
  port: string;
  encryption: string;
  /** Under which the certificate's name is given; undefined where it is always the server's. */
  certificateName?: string;
  authority: string;
}

export const clientWords = {
  sqlserver: {
    address: 'the connection string',
    port: '`Server=host,port` (1433)',
    encryption: '`Encrypt=`',
    certificateName: '`HostNameInCertificate=`',
    authority: 'NODE_EXTRA_CA_CERTS',
  },
  postgres: {
    address: 'the connection string',
    port: '`Port=` (5432)',
    encryption: '`SSL Mode=`',
    authority: '`Root Certificate=`, or NODE_EXTRA_CA_CERTS',
  },
  redis: {
    address: 'the connection string',
    port: '`host:port` (6380 with TLS, 6379 without; Azure Managed Redis 10000)',
    encryption: '`ssl=True` on 6380, `ssl=False` on 6379',
    certificateName: '`sslHost=`',
    authority: 'REDIS_CA_FILE',
  },
  https: { address: 'the address', port: 'its port', encryption: '`https://`', authority: 'NODE_EXTRA_CA_CERTS' },
} satisfies Record<string, ClientWords>;

/** The line to one server: name, TCP and TLS, each a step of its own. */
export class Line {
  readonly #host: string;
  readonly #port: number;
  readonly #words: ClientWords;
  #addresses: string[] = [];
  #socket: Socket | undefined;
  #secured: TLSSocket | undefined;
  certificate: CertificateFacts | undefined;

  constructor(host: string, port: number, words: ClientWords) {
    this.#host = host;
    this.#port = port;
    this.#words = words;
  }

  get target(): string {
    return `${isIP(this.#host) === 6 ? `[${this.#host}]` : this.#host}:${this.#port}`;
  }

  /** Name, TCP, and TLS where `tls` is given. */
  steps(tls?: ProbeSteps['tls']): ProbeSteps {
    return {
      ...(!isIP(this.#host) && { name: () => this.resolve() }),
      tcp: (signal) => this.connect(signal),
      ...(tls && { tls }),
    };
  }

  async resolve(): Promise<Evidence[]> {
    try {
      const found = await lookup(this.#host, { all: true });
      this.#addresses = found.map(({ address }) => address);
    } catch (error) {
      throw new MaintenanceError(
        'host_not_found',
        `The name ${this.#host} does not resolve (${codeOf(error)}).`,
        `Check the name in ${this.#words.address}, and the DNS of the network: with a private endpoint, its private DNS zone must be linked to the network.`,
      );
    }
    return [{ what: 'addresses', value: this.#addresses.length }];
  }

  /** @throws MaintenanceError `tcp_refused`, `tcp_unreachable` */
  async connect(signal: AbortSignal): Promise<undefined> {
    const socket = connect({ host: this.#host, port: this.#port });
    this.#socket = socket;
    signal.addEventListener('abort', () => socket.destroy(), { once: true });
    socket.on('error', () => undefined);
    try {
      await settled(socket, 'connect');
    } catch (error) {
      const code = codeOf(error);
      throw code === 'ECONNREFUSED'
        ? new MaintenanceError(
            'tcp_refused',
            `${this.target} refuses connections: nothing listens on this port.`,
            `Check the port in ${this.#words.address}, ${this.#words.port}, and that the server runs.`,
          )
        : new MaintenanceError(
            'tcp_unreachable',
            `${this.target} cannot be reached (${code}).`,
            'Check the route to the server: virtual network, private endpoint, firewall rules.',
          );
    }
    return undefined;
  }

  get socket(): Socket {
    if (!this.#socket) throw new Error('the step tcp comes first');
    return this.#socket;
  }

  /**
   * TLS over the line, or over what carries it. The certificate is read whether it is accepted or not.
   * @throws MaintenanceError `tls_mismatch`, `tls_version`, or one of the certificate
   */
  async secure(expected: TlsExpectation, signal: AbortSignal, carrier: Duplex = this.socket): Promise<Evidence[]> {
    const { name, checked, anyName = false, ca, alpn } = expected;
    // Looked at below: a refused handshake would not show the certificate.
    const secured = tlsOver(carrier, name, ca, { rejectUnauthorized: false, ...(alpn && { ALPNProtocols: alpn }) });
    this.#secured = secured;
    signal.addEventListener('abort', () => secured.destroy(), { once: true });
    try {
      await settled(secured, 'secureConnect');
    } catch (error) {
      throw handshakeFailed(this.target, codeOf(error), this.#words);
    }
    this.certificate = factsOf(secured, name);
    const nameAlone = this.certificate?.problem === wrongNameCode;
    if (checked && this.certificate?.problem && !(anyName && nameAlone))
      throw certificateRefused(this.target, name, this.certificate, this.#words);
    return [{ what: 'TLS version', value: this.certificate?.tlsVersion ?? 'unknown' }];
  }

  close(): void {
    this.#secured?.destroy();
    this.#socket?.destroy();
  }
}

function factsOf(secured: TLSSocket, name: string): CertificateFacts | undefined {
  const certificate = secured.getPeerCertificate(true);
  if (!certificate.valid_to) return undefined;
  const chain = chainOf(certificate);
  const wrongName = checkServerIdentity(name, certificate) as { code?: string } | undefined;
  const trust = secured.authorizationError as unknown;
  const problem = trust ? (trust instanceof Error ? codeOf(trust) : String(trust)) : undefined;
  return {
    name: one(certificate.subject?.CN) || certificate.subjectaltname?.split(',')[0] || 'unnamed',
    issuer: one(chain.at(0)?.issuer?.CN) || 'unnamed',
    validTo: new Date(certificate.valid_to),
    chainLength: chain.length,
    // A private authority explains more than the name; an expired certificate more than both.
    problem: problem ?? (wrongName ? (wrongName.code ?? wrongNameCode) : undefined),
    tlsVersion: secured.getProtocol() ?? 'unknown',
  };
}

function chainOf(certificate: PeerCertificate | { issuerCertificate?: PeerCertificate }): PeerCertificate[] {
  const chain: PeerCertificate[] = [];
  let next = certificate as (PeerCertificate & { issuerCertificate?: PeerCertificate }) | undefined;
  while (
    next?.fingerprint256 &&
    chain.length < 10 &&
    !chain.some((each) => each.fingerprint256 === next?.fingerprint256)
  ) {
    chain.push(next);
    next = next.issuerCertificate as typeof next;
  }
  return chain;
}

const one = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value);

function handshakeFailed(target: string, code: string, { encryption }: ClientWords): MaintenanceError {
  if (/UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|NO_PROTOCOLS/i.test(code))
    return new MaintenanceError(
      'tls_version',
      `${target} speaks no TLS version that is still allowed (${code}).`,
      'Switch TLS 1.2 on at the server: older versions are refused here as by the apps.',
    );
  return new MaintenanceError(
    'tls_mismatch',
    `${target} does not speak TLS on this port (${code}).`,
    `Make port and encryption fit: ${encryption}.`,
  );
}

function certificateRefused(
  target: string,
  name: string,
  { problem = '', name: own, validTo }: CertificateFacts,
  { address, certificateName, authority }: ClientWords,
): MaintenanceError {
  if (/EXPIRED|NOT_YET_VALID/.test(problem))
    return new MaintenanceError(
      'certificate_expired',
      `The certificate of ${target} is not valid now: it ends at ${validTo.toISOString()} (${problem}).`,
      'Renew the certificate of the server, and look at the clocks of both sides.',
    );
  if (problem === wrongNameCode)
    return new MaintenanceError(
      'certificate_name',
      `The certificate of ${target} is for ${own}, not for ${name}.`,
      `Use the name that the certificate was issued for, in ${address}${certificateName ? ` or as ${certificateName}` : ''}.`,
    );
  return new MaintenanceError(
    'certificate_untrusted',
    `The certificate of ${target} is signed by nobody that is trusted here (${problem}).`,
    `Install its authority (${authority}), or use a certificate of a public one.`,
  );
}
