"""What looks like a credential, and which names belong to credentials.

A spec is committed, printed and reviewed, so a token in it is a leaked token. The shapes are the prefixes that the
issuers publish for their secret scanners; a text of another shape passes, so this is a net and not a wall.
"""

import re
from typing import Final

MASK: Final = "(a credential, not shown)"
"""What stands where one was taken out."""

_SHAPES: Final = (
    r"hf_[A-Za-z0-9]{16,}",  # Hugging Face, user access token
    r"api_org_[A-Za-z0-9]{16,}",  # Hugging Face, organisation token of old
    r"sk-[A-Za-z0-9_-]{16,}",  # OpenAI, Anthropic (sk-ant-), OpenRouter (sk-or-), DeepSeek
    r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}",  # AWS access key ids
    r"gh[pousr]_[A-Za-z0-9]{16,}",  # GitHub: personal, OAuth, user, server, refresh
    r"github_pat_[A-Za-z0-9_]{20,}",
    r"gl(?:pat|dt|rt|ptt|cbt|oas|soat|ft|imt|agent)-[A-Za-z0-9_-]{16,}",  # GitLab
    r"xox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,}",  # Slack
    r"xapp-[A-Za-z0-9-]{10,}",
    r"https://hooks\.slack\.com/services/[A-Za-z0-9/]{16,}",
    r"pul-[a-f0-9]{32,}",  # Pulumi Cloud
    r"npm_[A-Za-z0-9]{30,}",
    r"pypi-[A-Za-z0-9_-]{16,}",
    r"rubygems_[a-f0-9]{32,}",
    r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{16,}",  # Docker Hub
    r"do[opr]_v1_[a-f0-9]{32,}",  # DigitalOcean
    r"AIza[A-Za-z0-9_-]{30,}",  # Google API key
    r"ya29\.[A-Za-z0-9_-]{16,}",  # Google OAuth
    r"GOCSPX-[A-Za-z0-9_-]{16,}",
    r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",  # SendGrid
    r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}",  # Stripe
    r"whsec_[A-Za-z0-9+/=]{16,}",
    r"sq0(?:atp|csp)-[A-Za-z0-9_-]{16,}",  # Square
    r"shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{16,}",  # Shopify
    r"hv[sbr]\.[A-Za-z0-9_-]{16,}",  # HashiCorp Vault
    r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{40,}",  # Terraform Cloud
    r"r8_[A-Za-z0-9]{16,}",  # Replicate
    r"gsk_[A-Za-z0-9]{16,}",  # Groq
    r"nvapi-[A-Za-z0-9_-]{16,}",  # NVIDIA
    r"pplx-[A-Za-z0-9]{16,}",  # Perplexity
    r"xai-[A-Za-z0-9]{16,}",
    r"fw_[A-Za-z0-9]{20,}",  # Fireworks
    r"tgp_v1_[A-Za-z0-9_-]{16,}",  # Together
    r"lsv2_(?:pt|sk)_[A-Za-z0-9_]{16,}",  # LangSmith
    r"[sp]k-lf-[A-Za-z0-9-]{16,}",  # Langfuse
    r"dapi[a-f0-9]{32}",  # Databricks
    r"glsa_[A-Za-z0-9_]{16,}",  # Grafana
    r"sbp_[a-f0-9]{32,}",  # Supabase
    r"tskey-[A-Za-z0-9-]{16,}",  # Tailscale
    r"lin_api_[A-Za-z0-9]{16,}",  # Linear
    r"ntn_[A-Za-z0-9]{16,}",  # Notion
    r"figd_[A-Za-z0-9_-]{16,}",  # Figma
    r"ATATT3[A-Za-z0-9_=-]{16,}",  # Atlassian
    r"NRAK-[A-Z0-9]{16,}",  # New Relic
    r"AGE-SECRET-KEY-1[A-Z0-9]{20,}",
    r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",  # JSON web token
    r"AccountKey=[A-Za-z0-9+/=]{40,}",  # Azure storage connection string
)
_TOKEN: Final = re.compile(
    r"(?<![A-Za-z0-9_-])(?:" + "|".join(_SHAPES) + r")"
    r"|-----BEGIN [A-Z ]{0,40}PRIVATE KEY"
    r"|(?i:\bbearer)\s{1,4}[A-Za-z0-9._~+/=-]{16,}"
    r"|(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,15}://[^\s/:@]{0,99}:[^\s/@]{1,255}@",  # an address with a password in it
)

_LOADERS: Final = re.compile(
    r"(?:LD|DYLD)_.*|GLIBC_TUNABLES|PYTHON(?:PATH|HOME|STARTUP|INSPECT)|BASH_ENV|NODE_OPTIONS"
    r"|PERL5(?:OPT|LIB)|RUBY(?:OPT|LIB)|_?JAVA_(?:TOOL_)?OPTIONS"
)
_OWN: Final = (
    r"HF_(?:API_)?TOKEN(?:_PATH)?|HUGGING_?FACE(?:_?HUB)?_(?:API_)?(?:TOKEN|KEY)"
    r"|PULUMI_.*|AWS_.*|ARM_.*|AZURE_CLIENT_.*|HFDEPLOY_.*"
    r"|GOOGLE_(?:APPLICATION_CREDENTIALS|CREDENTIALS|OAUTH_ACCESS_TOKEN)|GCLOUD_KEYFILE_JSON"
    r"|GH_TOKEN|GITHUB_TOKEN|ACTIONS_.*TOKEN|GITLAB_TOKEN|CI_JOB_TOKEN|CI_JOB_JWT.*"
    r"|VAULT_TOKEN|NPM_TOKEN|TWINE_PASSWORD|SSH_AUTH_SOCK|KUBECONFIG"
)
_OWN_NAME: Final = re.compile(_OWN)
_CREDENTIAL_NAME: Final = re.compile(
    r"HF_(?:API_)?TOKEN|HUGGING_?FACE(?:_?HUB)?_(?:API_)?(?:TOKEN|KEY)|PULUMI_(?:ACCESS_TOKEN|CONFIG_PASSPHRASE)"
    r"|AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)|(?:GH|GITHUB|GITLAB|VAULT|NPM)_TOKEN"
    r"|(?:.*_)?(?:API_KEY|PASSWORD|PASSWD|SECRET|SECRET_KEY|PRIVATE_KEY|ACCESS_TOKEN|AUTH_TOKEN)"
)


def looks_like_token(text: str) -> bool:
    """Whether a text holds something of the shape of a credential anywhere."""
    return _TOKEN.search(text) is not None


def steers_loader(name: str) -> bool:
    """Whether a variable makes a program load code of the variable's choice before its own."""
    return _LOADERS.fullmatch(name.upper()) is not None


def is_credential(name: str) -> bool:
    """Whether a variable is by its name the holder of a token or a password."""
    return _CREDENTIAL_NAME.fullmatch(name.upper()) is not None


def is_ours(name: str) -> bool:
    """Whether a variable holds what this run itself signs in with; no container gets that."""
    return _OWN_NAME.fullmatch(name.upper()) is not None
