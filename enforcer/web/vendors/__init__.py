"""The policy APIs of SWR, Harbor and TCR, as their own SDKs call them."""
