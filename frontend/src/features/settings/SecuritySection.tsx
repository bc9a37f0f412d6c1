import { DevicesGroup } from "./DevicesGroup";
import { PasskeysGroup } from "./PasskeysGroup";
import { PasswordGroup } from "./PasswordGroup";
import { TotpGroup } from "./TotpGroup";

export function SecuritySection() {
  return (
    <>
      <PasswordGroup />
      <TotpGroup />
      <PasskeysGroup />
      <DevicesGroup />
    </>
  );
}
