"""Mail out: by SMTP, or as files in development."""

from integrations.notify.folder import FolderMailer
from integrations.notify.settings import MailSettings
from integrations.notify.smtp import SmtpMailer

__all__ = ["FolderMailer", "MailSettings", "SmtpMailer"]
