import { useNavigate } from "@tanstack/react-router";
import { ChevronRight, Keyboard, Settings2, UserRoundPlus } from "lucide-react";
import { Link } from "@/shared/frame/link";
import { useTexts } from "@/shared/i18n/texts";
import { Button } from "@/shared/ui/button";
import { Icon, type IconType } from "@/shared/ui/icons";
import { type StepProps, StepSheet } from "./SetupScreen";
import { setupTexts } from "./texts";

export function DoneStep({ me, kind }: StepProps) {
  const t = useTexts(setupTexts);
  const navigate = useNavigate();
  const mayInvite = kind === "multi" && me.role === "admin";
  return (
    <StepSheet
      title={t("readyTitle")}
      lead={t(mayInvite ? "readyLead" : "readyLeadTwo", { name: me.name })}
      onSubmit={() => void navigate({ to: "/" })}
      note={t("noteReady")}
      buttons={
        <Button type="submit" variant="primary" size="lg" keys={["Enter"]} autoFocus>
          {t("open")}
        </Button>
      }
    >
      <ul className="border-t border-border-soft">
        {mayInvite ? (
          <Way to="/admin/users" icon={UserRoundPlus} title={t("invite")}>
            {t("inviteText")}
          </Way>
        ) : null}
        <Way to="/settings/security" icon={Settings2} title={t("settings")}>
          {t("settingsText")}
        </Way>
        <Way to="/settings/keys" icon={Keyboard} title={t("keys")}>
          {t("keysText")}
        </Way>
      </ul>
    </StepSheet>
  );
}

function Way({ to, icon, title, children }: { to: string; icon: IconType; title: string; children: string }) {
  return (
    <li className="border-b border-border-soft">
      <Link to={to} className="-mx-3 flex items-center gap-4 rounded-md px-3 py-3.5 hover:bg-hover">
        <Icon icon={icon} size={20} className="text-faint" />
        <span className="min-w-0 grow">
          <span className="block text-md font-semibold">{title}</span>
          <span className="text-muted-foreground">{children}</span>
        </span>
        <Icon icon={ChevronRight} size={16} className="text-faint" />
      </Link>
    </li>
  );
}
