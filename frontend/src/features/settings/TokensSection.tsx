import { useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { useTexts } from "@/shared/i18n/texts";
import { Button } from "@/shared/ui/button";
import { AlertDialog } from "@/shared/ui/dialog";
import { FormProblem } from "@/shared/ui/form-problem";
import { Badge } from "@/shared/ui/marks";
import { EmptyState, ErrorState, LoadingBars } from "@/shared/ui/states";
import { Table, TableHead, Td, Th, Tr } from "@/shared/ui/table";
import { toast } from "@/shared/ui/toast";
import { useMinute, When } from "@/shared/ui/values";
import { tokensQuery, useRevokeToken } from "./api";
import { SettingGroup } from "./parts";
import { ScopeWord } from "./ScopeWord";
import { TokenDialog } from "./TokenDialog";
import { settingsTexts } from "./texts";

type Token = Awaited<ReturnType<NonNullable<typeof tokensQuery.queryFn>>>["items"][number];

const SOON_MS = 14 * 86_400_000;

export function TokensSection() {
  const t = useTexts(settingsTexts);
  const tokens = useQuery(tokensQuery);
  const [isMaking, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<Token | null>(null);
  const items = tokens.data?.items;
  return (
    <SettingGroup
      id="api-tokens"
      lead={t("tokensLead")}
      actions={
        <Button variant="primary" icon={Plus} onClick={() => setMaking(true)}>
          {t("tokenMake")}
        </Button>
      }
    >
      {tokens.isPending ? <LoadingBars rows={3} /> : null}
      {tokens.isError && !items ? <ErrorState error={tokens.error} onRetry={() => void tokens.refetch()} /> : null}
      {items?.length === 0 ? <EmptyState title={t("tokensNone")}>{t("tokensNoneText")}</EmptyState> : null}
      {items?.length ? (
        <Table caption={t("tokensCaption")}>
          <TableHead>
            <Th>{t("tokenName")}</Th>
            <Th>{t("tokenScopes")}</Th>
            <Th className="@max-2xl:hidden">{t("tokenExpires")}</Th>
            <Th className="@max-2xl:hidden">{t("tokenUsed")}</Th>
            <Th>
              <span className="sr-only">{t("revoke")}</span>
            </Th>
          </TableHead>
          <tbody>
            {items.map((token) => (
              <Tr key={token.id}>
                <Td className="py-2">
                  <span className="block font-medium">{token.name}</span>
                  <span className="block font-mono text-xs whitespace-nowrap text-muted-foreground">
                    ktr_…{token.ending}
                  </span>
                  <span className="block text-xs text-muted-foreground @2xl:hidden">
                    {token.expires_at ? `${t("tokenExpires")} ` : null}
                    <Expiry at={token.expires_at} />
                  </span>
                </Td>
                <Td className="py-2">
                  <ul className="flex flex-col">
                    {token.scopes.map((scope) => (
                      <li key={scope} className="whitespace-nowrap">
                        <ScopeWord scope={scope} />
                      </li>
                    ))}
                  </ul>
                </Td>
                <Td className="@max-2xl:hidden">
                  <Expiry at={token.expires_at} />
                </Td>
                <Td className="text-muted-foreground @max-2xl:hidden">
                  {token.last_used_at ? (
                    <When at={token.last_used_at} />
                  ) : (
                    <span className="text-faint">{t("never")}</span>
                  )}
                </Td>
                <Td right>
                  <Button
                    variant="danger"
                    size="sm"
                    aria-label={t("revokeNamed", { name: token.name })}
                    onClick={() => setRevoking(token)}
                  >
                    {t("revoke")}
                  </Button>
                </Td>
              </Tr>
            ))}
          </tbody>
        </Table>
      ) : null}
      {isMaking ? <TokenDialog onClose={() => setMaking(false)} /> : null}
      {revoking ? <Revoke token={revoking} onClose={() => setRevoking(null)} /> : null}
    </SettingGroup>
  );
}

function Expiry({ at }: { at: string | null }) {
  const t = useTexts(settingsTexts);
  const now = useMinute();
  if (!at) return <span className="text-muted-foreground">{t("tokenForever")}</span>;
  const left = Date.parse(at) - now;
  if (left < 0) return <Badge tone="brick">{t("tokenExpired")}</Badge>;
  return <When at={at} className={left < SOON_MS ? "text-brass-text" : "text-muted-foreground"} />;
}

function Revoke({ token, onClose }: { token: Token; onClose: () => void }) {
  const t = useTexts(settingsTexts);
  const revoke = useRevokeToken();
  return (
    <AlertDialog
      open
      onOpenChange={(next) => !next && onClose()}
      title={t("revokeTitle", { name: token.name })}
      description={t("revokeText")}
      action={t("revoke")}
      busy={revoke.isPending}
      onConfirm={() =>
        revoke.mutate(token.id, {
          onSuccess: () => {
            toast({ text: t("revoked", { name: token.name }) });
            onClose();
          },
        })
      }
    >
      <FormProblem error={revoke.error} />
    </AlertDialog>
  );
}
