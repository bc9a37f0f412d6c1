import type { Schemas } from "../api/client";

export const settings: Schemas["SettingsRead"] = {
  version: 1,
  language: "en",
  timezone: "Europe/Berlin",
  currency: "EUR",
  theme: "light",
  text_size: 100,
  enter_sends: true,
  reduced_motion: "on",
  address_form: "sie",
  notifications: { approvals: true, sign_ins: true, jobs: true, shares: true },
  keys: {},
};

export function makeMe(change: Partial<Schemas["MeRead"]> = {}): Schemas["MeRead"] {
  return {
    id: "00000000-0000-4000-8000-000000000001",
    email: "rk@example.org",
    name: "R. K.",
    role: "user",
    initials: "RK",
    state: "active",
    email_verified: true,
    pending_email: null,
    has_password: true,
    totp_enabled: false,
    passkeys: 0,
    settings,
    csrf_token: "token-of-the-test",
    full_access: null,
    must_set_up: false,
    ...change,
  };
}

export const installation: Schemas["InstallationRead"] = {
  name: "Kontor",
  kind: "multi",
  version: "0.1.0",
  registration: "closed",
  setup_needed: false,
  password_sign_in: true,
  oidc: [],
  languages: ["de", "en"],
  mail_configured: true,
  passwordless_loopback: false,
  owners_see_full_access: true,
};
