import { Screen } from "@/shared/frame/sheet";

export default function StartScreen() {
  return <Screen title="Start">{null}</Screen>;
}
