import type { HttpRequest } from '@azure/functions';
import { MaintenanceError } from '../../lib/errors.ts';
import type { Requester } from '../../lib/runs/runRecord.ts';
import { settings } from '../support/app.ts';

/** App roles of the Entra application, where Easy Auth is on. */
export type Role = 'TokenCache.Reader' | 'TokenCache.Operator';

interface Principal {
  name: string;
  roles: string[];
}

/**
 * Who asks, where the platform tells. With Easy Auth the role is required; without it the function key has been checked by
 * the host, and a principal header is a forgery and not looked at.
 * @throws Problem `role_missing` where the role is missing
 */
export function authorize(request: HttpRequest, role: Role): Requester {
  const from = clientAddress(request);
  if (!settings.easyAuth) return { by: 'function key', from };
  const principal = readPrincipal(request.headers.get('x-ms-client-principal'));
  // Whoever may change may also look.
  const sufficient: string[] = role === 'TokenCache.Reader' ? ['TokenCache.Reader', 'TokenCache.Operator'] : [role];
  if (!principal?.roles.some((held) => sufficient.includes(held))) {
    throw new MaintenanceError(
      'role_missing',
      `This needs the app role ${role}.`,
      'Have the role assigned in the enterprise application of this function app.',
    );
  }
  return { by: principal.name, from };
}

/** The header of Easy Auth: base64 of JSON with claims (App Service documentation, "Access user claims in app code"). */
function readPrincipal(header: string | null): Principal | undefined {
  try {
    const { claims, name_typ, role_typ } = JSON.parse(Buffer.from(header ?? '', 'base64').toString('utf8')) as Record<
      string,
      unknown
    >;
    if (!Array.isArray(claims)) return undefined;
    const values = (types: unknown[]) =>
      (claims as { typ?: unknown; val?: unknown }[]).flatMap(({ typ, val }) =>
        types.includes(typ) && typeof val === 'string' ? [val] : [],
      );
    const roles = values(['roles', role_typ ?? 'roles']);
    const [name] = values([
      'preferred_username',
      name_typ ?? 'name',
      'appid',
      'azp',
      'http://schemas.microsoft.com/identity/claims/objectidentifier',
      'oid',
    ]);
    return { name: printable(name ?? 'unnamed principal'), roles };
  } catch {
    return undefined;
  }
}

/** The platform's front end appends the client's address to this header; what stands before it came from the client. */
function clientAddress(request: HttpRequest): string {
  const last = request.headers.get('x-forwarded-for')?.split(',').at(-1)?.trim();
  return printable(last || 'unknown');
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 200);
}
