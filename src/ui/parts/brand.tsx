// The product's name and sign, as they stand above the pages and on the way in.
import type { ReactNode } from "react";

export function Brand(): ReactNode {
  return (
    <div className="brand">
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="8" fill="#0f766e" />
        <path
          d="M9.500 22.500c0-7 2.200-11.500 4-14M15.500 23.500c0-6.500 1.200-11 2.600-13.500M21.500 22.500c0-5 .6-8.500 1.600-10.500"
          fill="none"
          stroke="#fff"
          strokeWidth="3"
          strokeLinecap="round"
        />
      </svg>
      <span>OpenClaw</span>
    </div>
  );
}
