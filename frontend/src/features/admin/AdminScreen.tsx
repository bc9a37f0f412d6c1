import { useParams } from "@tanstack/react-router";
import type { ComponentType } from "react";
import { Problem } from "@/shared/api/problem";
import { Link } from "@/shared/frame/link";
import { Screen } from "@/shared/frame/sheet";
import { useAnchor } from "@/shared/frame/use-anchor";
import { useTexts } from "@/shared/i18n/texts";
import { useMe } from "@/shared/session/queries";
import { Button } from "@/shared/ui/button";
import { EmptyState, ErrorState } from "@/shared/ui/states";
import { AccessSection } from "./access/AccessSection";
import { AuditSection } from "./audit/AuditSection";
import { BillingSection } from "./billing/BillingSection";
import { PricesSection } from "./billing/PricesSection";
import { catalogue, type SectionId } from "./catalogue";
import { ChecksSection } from "./checks/ChecksSection";
import { InstallationSection } from "./configuration/InstallationSection";
import { SignInSection } from "./configuration/SignInSection";
import { JobsSection } from "./jobs/JobsSection";
import { MailSection } from "./mail/MailSection";
import { ChoiceSection } from "./models/ChoiceSection";
import { ModelsSection } from "./models/ModelsSection";
import { OverviewSection } from "./overview/OverviewSection";
import { ProvidersSection } from "./providers/ProvidersSection";
import { adminTexts } from "./texts";
import { UsageSection } from "./usage/UsageSection";
import { UsersSection } from "./users/UsersSection";

const bodies: Record<SectionId, ComponentType> = {
  overview: OverviewSection,
  users: UsersSection,
  "sign-in": SignInSection,
  providers: ProvidersSection,
  models: ModelsSection,
  choice: ChoiceSection,
  usage: UsageSection,
  prices: PricesSection,
  billing: BillingSection,
  installation: InstallationSection,
  jobs: JobsSection,
  mail: MailSection,
  audit: AuditSection,
  "self-test": ChecksSection,
  "full-access": AccessSection,
};

export default function AdminScreen() {
  const t = useTexts(adminTexts);
  const me = useMe();
  const { section: id = "" }: { section?: string } = useParams({ strict: false });
  const section = catalogue.section(id);
  useAnchor();
  if (!section) {
    return (
      <Screen title={t("noSection")} tabTitle={t("admin")} width="form">
        <EmptyState title={t("noSectionText")} action={<Button render={<Link to="/admin" />}>{t("toAdmin")}</Button>} />
      </Screen>
    );
  }
  if (!catalogue.sectionsFor(me).includes(section)) {
    return (
      <Screen title={t("forbidden")} tabTitle={t("admin")} width="form">
        <ErrorState
          error={new Problem({ status: 403, code: "auth.role_required" })}
          action={<Button render={<Link to="/admin/users" />}>{t("toUsers")}</Button>}
        />
      </Screen>
    );
  }
  const Body = bodies[section.id];
  return <Body />;
}
