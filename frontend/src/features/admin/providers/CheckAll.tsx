import { RotateCw } from "lucide-react";
import { useTexts } from "@/shared/i18n/texts";
import { IconButton } from "@/shared/ui/button";
import { When } from "@/shared/ui/values";
import { type Provider, useTest } from "./api";
import { providersTexts } from "./texts";

/** When they were looked at last, and a button to look again. */
export function CheckAll({ providers }: { providers: readonly Provider[] }) {
  const t = useTexts(providersTexts);
  const test = useTest();
  const checkedAt = providers.map(({ checked_at }) => checked_at ?? "").reduce((a, b) => (a > b ? a : b), "");
  return (
    <>
      {checkedAt ? (
        <span className="text-muted-foreground">
          {t("checked")} <When at={checkedAt} />
        </span>
      ) : null}
      <IconButton
        icon={RotateCw}
        label={t("checkNow")}
        disabled={test.isPending || providers.length === 0}
        onClick={() => {
          for (const { id, is_enabled, is_built_in } of providers) if (is_enabled && !is_built_in) test.mutate(id);
        }}
      />
    </>
  );
}
