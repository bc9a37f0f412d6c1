/** The stepped gable. The only place that draws the mark; its name is `PRODUCT_NAME`. */
export const PRODUCT_NAME = "Kontor";

export function Logo({ size = 22, className = "text-primary" }: { size?: number; className?: string }) {
  return (
    <svg
      aria-hidden="true"
      className={className}
      width={`${size / 16}rem`}
      height={`${size / 16}rem`}
      viewBox="0 0 22 22"
      fill="currentColor"
    >
      <path d="M2 20V12h3V8h3V4h6v4h3v4h3v8h-6.5v-4.5a2.5 2.5 0 0 0-5 0V20z" />
    </svg>
  );
}

export function Wordmark() {
  return (
    <span className="inline-flex items-center gap-2.5">
      <Logo size={24} />
      <span className="text-lg font-semibold">{PRODUCT_NAME}</span>
    </span>
  );
}
