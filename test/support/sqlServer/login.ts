import type { Login7 } from './login7.ts';
import * as tokens from './tokens.ts';

/** Whom the server lets in. */
export interface LoginCheck {
  user: string;
  password: string;
  database: string;
  /** Whether an Entra token is taken; else the error that a login with it ends with. */
  token(token: string): tokens.ServerError | undefined;
}

const authority = 'https://login.example/common';
const resource = 'https://database.windows.net/';

/** The answer to a login; one that is refused ends the connection. `token` came in a message of its own. */
export function answerLogin(
  login: Login7,
  token: string | undefined,
  check: LoginCheck,
  scripted: tokens.ServerError[],
): { payload: Buffer; accepted: boolean } {
  if (login.federated?.kind === 'later' && token === undefined) {
    const payload = Buffer.concat([
      tokens.federatedInfo(authority, resource),
      tokens.doneBatch(tokens.doneStatus.final),
    ]);
    return { payload, accepted: true };
  }
  const errors = scripted.length > 0 ? scripted : refusalOf(login, token, check);
  if (errors.length > 0) {
    const payload = Buffer.concat([...errors.map(tokens.error), tokens.doneBatch(tokens.doneStatus.error)]);
    return { payload, accepted: false };
  }
  const payload = Buffer.concat([
    tokens.environmentChange(1, login.database || check.database, 'master'),
    tokens.info(5701, `Changed database context to '${login.database || check.database}'.`),
    tokens.environmentChange(2, 'us_english', ''),
    tokens.info(5703, 'Changed language setting to us_english.'),
    tokens.collationChange(),
    tokens.loginAck(login.tdsVersion),
    tokens.environmentChange(4, '4096', '4096'),
    ...(login.federated ? [tokens.featureAck(true)] : []),
    tokens.doneBatch(tokens.doneStatus.final),
  ]);
  return { payload, accepted: true };
}

function refusalOf(login: Login7, token: string | undefined, check: LoginCheck): tokens.ServerError[] {
  if (login.federated) {
    const refusal = check.token(login.federated.kind === 'token' ? login.federated.token : (token ?? ''));
    return refusal ? [refusal] : [];
  }
  const failed = { number: 18456, severity: 14, message: `Login failed for user '${login.user}'.` };
  if (login.user !== check.user || login.password !== check.password) return [failed];
  if (login.database !== '' && login.database !== check.database)
    return [
      {
        number: 4060,
        severity: 11,
        message: `Cannot open database "${login.database}" requested by the login. The login failed.`,
      },
      failed,
    ];
  return [];
}
