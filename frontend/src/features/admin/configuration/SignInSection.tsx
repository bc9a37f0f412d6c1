import { Screen } from "@/shared/frame/sheet";
import { useTexts } from "@/shared/i18n/texts";
import { RadioGroup } from "@/shared/ui/choice";
import { Group } from "../parts";
import { domainsIn } from "./domains";
import { configurationTexts } from "./texts";
import { TextSetting, useSaveNow, WithConfiguration } from "./use-configuration";

const registrations = ["closed", "approval", "open"] as const;
const MOST_DOMAINS = 100;

export function SignInSection() {
  const t = useTexts(configurationTexts);
  const save = useSaveNow();
  return (
    <Screen title={t("signIn")} width="form">
      <WithConfiguration>
        {(configuration) => (
          <>
            <Group id="registration" lead={t("registrationLead")}>
              <RadioGroup
                label={t("registration")}
                look="rows"
                value={configuration.registration}
                onChange={(registration) =>
                  save(
                    { registration },
                    { registration: configuration.registration },
                    t("registrationSaved", { value: t(`registration.${registration}`) }),
                  )
                }
                options={registrations.map((value) => ({
                  value,
                  label: t(`registration.${value}`),
                  help: t(`registration.${value}.help`),
                }))}
                className="max-w-[38.5rem]"
              />
            </Group>
            <TextSetting
              id="domains"
              field="allowed_domains"
              lead={t("domainsLead")}
              label={t("domains")}
              help={t("domainsHelp")}
              rows={4}
              value={configuration.allowed_domains.join("\n")}
              version={configuration.version}
              check={(text) => {
                const { domains, wrong } = domainsIn(text);
                if (wrong !== undefined) return t("domainsWrong", { domain: wrong });
                return domains.length > MOST_DOMAINS ? t("domainsTooMany") : undefined;
              }}
              toChange={(text) => ({ allowed_domains: [...domainsIn(text).domains] })}
            />
            <TextSetting
              id="session-days"
              field="session_days"
              lead={t("daysLead")}
              label={t("days")}
              numeric
              value={String(configuration.session_days)}
              version={configuration.version}
              check={(text) => {
                const days = Number(text);
                return /^\d+$/.test(text.trim()) && days >= 1 && days <= 365 ? undefined : t("daysWrong");
              }}
              toChange={(text) => ({ session_days: Number(text) })}
            />
          </>
        )}
      </WithConfiguration>
    </Screen>
  );
}
