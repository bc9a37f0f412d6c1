// A passkey belongs to a name; browsers refuse an address of numbers, 127.0.0.1 among them.
const isNumeric = (hostname: string) => /^[\d.]+$/.test(hostname) || hostname.includes(":");

/** What the browser and this address can do. Passkeys need https or localhost, and a name. */
export function canUsePasskeys(): boolean {
  return (
    window.isSecureContext &&
    !isNumeric(location.hostname) &&
    typeof PublicKeyCredential === "function" &&
    typeof PublicKeyCredential.parseRequestOptionsFromJSON === "function" &&
    typeof PublicKeyCredential.parseCreationOptionsFromJSON === "function"
  );
}

/** Whether the browser can offer passkeys in the list under the e-mail field. */
export async function canOfferPasskeysInField(): Promise<boolean> {
  return (
    canUsePasskeys() && (await PublicKeyCredential.isConditionalMediationAvailable?.().catch(() => false)) === true
  );
}

/** The person closed the browser's dialog, or let it time out: no failure, nothing to say. */
export class PasskeyDismissed extends Error {
  override readonly name = "PasskeyDismissed";
}

export interface PasskeyAnswer {
  [name: string]: unknown;
}

// The standard writes options and answers as JSON that only the browser and the server's library read; between them
// they stay opaque, which is why the types meet here and nowhere else.
type Opaque = Readonly<Record<string, unknown>>;

export async function askForPasskey(
  options: Opaque,
  { inField = false, signal }: { inField?: boolean; signal?: AbortSignal } = {},
): Promise<PasskeyAnswer> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(
    options as unknown as PublicKeyCredentialRequestOptionsJSON,
  );
  const mediation = inField ? "conditional" : undefined;
  return asAnswer(await dismissible(navigator.credentials.get({ publicKey, mediation, signal })));
}

export async function makePasskey(options: Opaque): Promise<PasskeyAnswer> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(
    options as unknown as PublicKeyCredentialCreationOptionsJSON,
  );
  return asAnswer(await dismissible(navigator.credentials.create({ publicKey })));
}

async function dismissible(asking: Promise<Credential | null>): Promise<PublicKeyCredential> {
  try {
    const credential = await asking;
    if (credential instanceof PublicKeyCredential) return credential;
  } catch (error) {
    if (!(error instanceof DOMException && ["NotAllowedError", "AbortError"].includes(error.name))) throw error;
  }
  throw new PasskeyDismissed();
}

function asAnswer(credential: PublicKeyCredential): PasskeyAnswer {
  return { ...credential.toJSON() };
}
