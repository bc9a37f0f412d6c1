import { useQuery } from "@tanstack/react-query";
import { RotateCw } from "lucide-react";
import { Screen } from "@/shared/frame/sheet";
import { useTexts } from "@/shared/i18n/texts";
import { Button } from "@/shared/ui/button";
import { ErrorState, LoadingBars, Refreshing } from "@/shared/ui/states";
import { When } from "@/shared/ui/values";
import { checksQuery } from "../overview/api";
import { CheckList } from "./CheckList";
import { checksTexts } from "./texts";

const order = ["fail", "warn", "ok", "skip"] as const;

export function ChecksSection() {
  const t = useTexts(checksTexts);
  const checks = useQuery(checksQuery);
  const items = [...(checks.data?.items ?? [])].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
  const bad = items.filter(({ state }) => state === "fail" || state === "warn").length;
  return (
    <Screen
      title={t("title")}
      subtitle={t("lead")}
      width="form"
      actions={
        <Button icon={RotateCw} busy={checks.isFetching} onClick={() => void checks.refetch()}>
          {t("again")}
        </Button>
      }
    >
      {checks.isPending ? <LoadingBars rows={8} /> : null}
      {checks.isError && !checks.isFetching ? (
        <ErrorState error={checks.error} onRetry={() => void checks.refetch()} />
      ) : null}
      {checks.data && !checks.isError ? (
        <Refreshing active={checks.isFetching}>
          <div id="checks" tabIndex={-1} className="outline-none">
            <p role="status" className="flex flex-wrap gap-x-4 pb-3">
              <span className="grow font-medium">{bad === 0 ? t("allGood") : t("attention", { count: bad })}</span>
              <span className="text-muted-foreground">
                {t("checked")} <When at={new Date(checks.dataUpdatedAt).toISOString()} />
              </span>
            </p>
            <CheckList checks={items} />
          </div>
        </Refreshing>
      ) : null}
    </Screen>
  );
}
