import { useTexts } from "@/shared/i18n/texts";
import { settingsTexts } from "./texts";

const words = {
  "account:read": "scopeAccountRead",
  "account:write": "scopeAccountWrite",
  "projects:read": "scopeProjectsRead",
  "projects:write": "scopeProjectsWrite",
  "documents:read": "scopeDocumentsRead",
  "documents:write": "scopeDocumentsWrite",
  "llm:use": "scopeLlmUse",
  "admin:read": "scopeAdminRead",
  "admin:write": "scopeAdminWrite",
} as const;

/** A right in plain words; one that this program does not know yet is shown as it is. */
export function ScopeWord({ scope }: { scope: string }) {
  const t = useTexts(settingsTexts);
  return scope in words ? t(words[scope as keyof typeof words]) : <code className="font-mono text-xs">{scope}</code>;
}
