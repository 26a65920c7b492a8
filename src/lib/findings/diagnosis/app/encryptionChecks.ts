import { critical, type Outcome, pass, warning } from '../../../checks/check.ts';
import { type Place, placeText } from '../../../webApp/csharp/syntax.ts';
import { isKnown, knownFlag, knownText } from '../../../webApp/csharp/value.ts';
import type { World } from '../../../webApp/world.ts';
import { plainPlace } from '../bothSides.ts';
import { adapterOptions, appChecks, at, isDistributed, mayBeIn, notKnown, winnerOf } from './appSubject.ts';

/** `Encrypt = true` is worth what the Data Protection behind it is. */

const ringCode =
  '`builder.Services.AddDataProtection().SetApplicationName("web").PersistKeysToAzureBlobStorage(new Uri("https://ACCOUNT.blob.core.windows.net/dataprotection/keys.xml"), new DefaultAzureCredential()).ProtectKeysWithAzureKeyVault(new Uri("https://VAULT.vault.azure.net/keys/dataprotection"), new DefaultAzureCredential());`';

export const encryptionChecks = appChecks('encryption', {
  'app-encryption': judgeEncryption,
  'app-key-persistence': whenEncrypted(judgePersistence),
  'app-key-protection': whenEncrypted(judgeProtection),
  'app-application-name': whenEncrypted(judgeApplicationName),
  'app-certificate-rotation': whenEncrypted(judgeCertificate),
});

/** Registrations through which the framework registers Data Protection by itself (measured of `AddAuthentication`). */
const ofTheFramework =
  /^(AddAuthentication|AddMicrosoftIdentityWebApp\w*|AddMicrosoftIdentityWebApi\w*|AddControllersWithViews|AddRazorPages)$/;

function judgeEncryption(world: World): Outcome {
  if (!isDistributed(world)) return pass('No distributed token cache is used: nothing is encrypted.');
  const encrypt = world.option(adapterOptions, 'encrypt');
  const open = world.openAt(adapterOptions);
  if (!encrypt)
    return open
      ? mayBeIn('Whether entries are encrypted (`Encrypt`)', open)
      : pass('Entries are not encrypted (`Encrypt` is not set).', plainAt(winnerOf(world)?.place));
  const flag = knownFlag(encrypt);
  if (flag === undefined) return notKnown('`Encrypt`', encrypt);
  if (!flag)
    return pass(`Entries are not encrypted (\`Encrypt\`, ${placeText(encrypt.place)}).`, plainAt(encrypt.place));
  const protection = world.call(/^AddDataProtection$/);
  if (protection)
    return pass(`Entries are encrypted by the Data Protection of ${placeText(protection.place)}.`, [
      at('Encrypt', encrypt.place),
    ]);
  const unresolved = world.openAt();
  if (unresolved) return mayBeIn('`AddDataProtection`', unresolved);
  const framework = world.call(ofTheFramework);
  const evidence = [at('Encrypt', encrypt.place), ...(framework ? [at(framework.name, framework.place)] : [])];
  if (framework)
    return critical({
      cause: 'encrypt_with_own_keys',
      what: `\`Encrypt = true\` (${placeText(encrypt.place)}) without \`AddDataProtection\`: each instance makes keys of its own, and cannot read what another wrote (json_parse_failed).`,
      evidence,
      advice: `Give all instances one key ring: ${ringCode}.`,
    });
  return critical({
    cause: 'encrypt_without_data_protection',
    what: `\`Encrypt = true\` (${placeText(encrypt.place)}) without any Data Protection: entries are written in plain text, without a word.`,
    evidence,
    advice: `Register it: ${ringCode}.`,
  });
}

const plainAt = (place: Place | undefined) => (place ? [at(plainPlace, place)] : []);

type Judge = (world: World) => Outcome;

/** What concerns the keys matters where entries are encrypted by them. */
function whenEncrypted(judge: Judge): Judge {
  return (world) => {
    const encrypt = isDistributed(world) ? world.option(adapterOptions, 'encrypt') : undefined;
    const flag = knownFlag(encrypt);
    if (!encrypt || flag === false) return pass('No entry is encrypted by what is in the source.');
    if (!world.call(/^AddDataProtection$/))
      return pass('There is no Data Protection of the app: see the check of `Encrypt`.');
    const outcome = judge(world);
    return flag === undefined && outcome.status !== 'pass' ? notKnown('`Encrypt`', encrypt) : outcome;
  };
}

const persistence = /^PersistKeysTo/;
const keyManagement = 'KeyManagementOptions';

function judgePersistence(world: World): Outcome {
  const ephemeral = world.call(/^UseEphemeralDataProtectionProvider$/);
  const persisted = world.call(persistence);
  if (ephemeral)
    return critical({
      cause: 'keys_ephemeral',
      what: `\`UseEphemeralDataProtectionProvider\` (${placeText(ephemeral.place)}): each start makes keys of its own, and no other can read what was written.`,
      evidence: [at('ephemeral', ephemeral.place)],
      advice: `Take it out, and persist the keys: ${ringCode}.`,
    });
  if (persisted?.name === 'PersistKeysToRegistry')
    return critical({
      cause: 'keys_of_one_machine',
      what: `The keys are in the registry of each machine (${placeText(persisted.place)}): instances do not share them.`,
      evidence: [at(persisted.name, persisted.place)],
      advice: `Persist them where all instances reach them: ${ringCode}.`,
    });
  if (persisted)
    return pass(`\`${persisted.name}\` (${placeText(persisted.place)}) persists the keys.`, [
      at(persisted.name, persisted.place),
    ]);
  const repository = world.option(keyManagement, 'xmlrepository');
  if (repository) return pass(`A repository of the app's own (${placeText(repository.place)}) persists the keys.`);
  const open = world.openAt(keyManagement);
  if (open) return mayBeIn('The persistence of the keys (`PersistKeysTo…`)', open);
  const protection = world.call(/^AddDataProtection$/);
  return critical({
    cause: 'keys_not_persisted',
    what: `\`AddDataProtection\`${protection ? ` (${placeText(protection.place)})` : ''} has no \`PersistKeysTo…\`: each instance keeps keys of its own, and cannot read what another wrote (json_parse_failed).`,
    evidence: protection ? [at('AddDataProtection', protection.place)] : [],
    advice: `Give all instances one key ring: ${ringCode}.`,
  });
}

function judgeProtection(world: World): Outcome {
  const persisted = world.call(persistence);
  const protection = world.call(/^ProtectKeysWith/);
  if (protection?.name.startsWith('ProtectKeysWithDpapi') && protection.name !== 'ProtectKeysWithDpapiNG')
    return warning({
      cause: 'keys_protected_by_machine',
      what: `\`${protection.name}\` (${placeText(protection.place)}) ties the keys to one machine or user: another instance cannot read them.`,
      evidence: [at(protection.name, protection.place)],
      advice:
        'Protect them with what all instances have: `.ProtectKeysWithAzureKeyVault(keyUri, credential)` or a certificate.',
    });
  if (protection) return pass(`\`${protection.name}\` (${placeText(protection.place)}) protects the keys.`);
  const encryptor = world.option(keyManagement, 'xmlencryptor');
  if (encryptor) return pass(`An encryptor of the app's own (${placeText(encryptor.place)}) protects the keys.`);
  if (!persisted) return pass('See the check of their persistence: the keys are not kept.');
  const open = world.openAt(keyManagement);
  if (open) return mayBeIn('The protection of the keys (`ProtectKeysWith…`)', open);
  return warning({
    cause: 'keys_unprotected',
    what: `The keys are persisted (${placeText(persisted.place)}) in plain text: whoever reads them can read every cached token.`,
    evidence: [at(persisted.name, persisted.place)],
    advice:
      'Add `.ProtectKeysWithAzureKeyVault(new Uri("https://VAULT.vault.azure.net/keys/dataprotection"), new DefaultAzureCredential())`, then revoke the keys that lay open (`token-cache key-ring revoke`).',
  });
}

function judgeApplicationName(world: World): Outcome {
  const name = world.call(/^SetApplicationName$/);
  const discriminator = world.option('DataProtectionOptions', 'applicationdiscriminator');
  const set = name?.place ?? discriminator?.place;
  const value = name ? name.args[0]?.value : discriminator;
  if (set && value && 'unknown' in value && value.unknown === 'runTime' && knownText(value) === undefined)
    return notKnown('The application name', value);
  if (set) return pass(`The application name is set (${placeText(set)}).`);
  const open = world.openAt('DataProtectionOptions');
  if (open) return mayBeIn('`SetApplicationName`', open);
  const protection = world.call(/^AddDataProtection$/);
  return warning({
    cause: 'application_name_missing',
    what: `Data Protection${protection ? ` (${placeText(protection.place)})` : ''} has no application name: it is the path of the app then, and instances in other paths cannot read what was written, though they share the keys.`,
    evidence: protection ? [at('AddDataProtection', protection.place)] : [],
    advice:
      'Add `.SetApplicationName("web")`, the same in every app that shares the cache. Entries that were written before are unreadable then.',
  });
}

function judgeCertificate(world: World): Outcome {
  const certificate = world.call(/^ProtectKeysWithCertificate$/);
  if (!certificate) return pass('No certificate protects the keys.');
  const unprotect = world.call(/^UnprotectKeysWithAnyCertificate$/);
  if (unprotect)
    return pass(`\`UnprotectKeysWithAnyCertificate\` (${placeText(unprotect.place)}) keeps older keys readable.`);
  // By its thumbprint, .NET finds the old certificate in the machine's store as well.
  if (isKnown(certificate.args[0]?.value) && knownText(certificate.args[0]?.value) !== undefined)
    return pass(
      `The certificate is found by its thumbprint (${placeText(certificate.place)}): the old one is too, as long as it stays in the store.`,
    );
  return warning({
    cause: 'certificate_rotation_unprepared',
    what: `\`ProtectKeysWithCertificate\` (${placeText(certificate.place)}) without \`UnprotectKeysWithAnyCertificate\`: once the certificate is replaced, keys of the old one cannot be read, nor the entries that they protect.`,
    evidence: [at(certificate.name, certificate.place)],
    advice:
      'Add `.UnprotectKeysWithAnyCertificate(current, previous)`, with the previous certificate for as long as keys need it (90 days and more).',
  });
}
