"""What the checks of `doctor` say to a person. Every key has both languages; a test holds the two to the checks."""

from collections.abc import Mapping
from typing import Literal

Language = Literal["de", "en"]
Text = Mapping[Language, str]

STATES: Mapping[str, Text] = {
    "ok": {"en": "good", "de": "gut"},
    "warn": {"en": "look", "de": "Hinweis"},
    "fail": {"en": "wrong", "de": "Fehler"},
    "skip": {"en": "–", "de": "–"},
}

TITLES: Mapping[str, Text] = {
    "data": {"en": "Data folder", "de": "Datenordner"},
    "disk": {"en": "Free disk space", "de": "Freier Speicherplatz"},
    "key": {"en": "Master key", "de": "Hauptschlüssel"},
    "app": {"en": "Web app", "de": "Web-App"},
    "port": {"en": "Port", "de": "Port"},
    "database": {"en": "Database", "de": "Datenbank"},
    "vector": {"en": "pgvector", "de": "pgvector"},
    "schema": {"en": "Schema", "de": "Schema"},
    "clock": {"en": "Clock against the database", "de": "Uhr gegenüber der Datenbank"},
    "connections": {"en": "Database connections", "de": "Datenbankverbindungen"},
    "role": {"en": "Application's role", "de": "Rolle der Anwendung"},
    "dump": {"en": "Dump before upgrades", "de": "Sicherung vor Umstellungen"},
    "redis": {"en": "Redis", "de": "Redis"},
    "mail": {"en": "Mail server", "de": "Mailserver"},
    "stream": {"en": "Streams through the proxy", "de": "Streams durch den Proxy"},
    "address": {"en": "Public address", "de": "Öffentliche Adresse"},
    "files": {"en": "Open files allowed", "de": "Erlaubte offene Dateien"},
}

ADVICE: Mapping[str, Text] = {
    "data.cannot_make": {
        "en": "The folder {folder} does not exist and cannot be made in {above}. Choose another one with --data.",
        "de": "Der Ordner {folder} fehlt und kann in {above} nicht angelegt werden. Wählen Sie mit --data einen "
        "anderen.",
    },
    "data.no_access": {
        "en": "This user may not read and write {folder}. Start Kontor as the user that the folder belongs to.",
        "de": "Dieser Benutzer darf {folder} nicht lesen und beschreiben. Starten Sie Kontor als der Benutzer, dem "
        "der Ordner gehört.",
    },
    "data.open": {
        "en": "Other users of this machine can look into {folder}. Close it with: chmod go-rw {folder}",
        "de": "Andere Benutzer dieses Rechners können in {folder} hineinsehen. Schließen Sie ihn mit: chmod go-rw "
        "{folder}",
    },
    "disk.full": {
        "en": "Less than {needed} is free where {folder} lies, so Kontor takes no more work. Delete or move something "
        "there, or enlarge the disk.",
        "de": "Dort, wo {folder} liegt, sind weniger als {needed} frei; Kontor nimmt deshalb keine Arbeit mehr an. "
        "Löschen oder verschieben Sie dort etwas, oder vergrößern Sie den Datenträger.",
    },
    "disk.nearly_full": {
        "en": "The disk fills up. Below {needed} free, Kontor takes no more work.",
        "de": "Der Datenträger füllt sich. Unter {needed} nimmt Kontor keine Arbeit mehr an.",
    },
    "key.open": {
        "en": "Others can read the key that protects stored secrets. Close it with: chmod 600 {path}",
        "de": "Andere können den Schlüssel lesen, der gespeicherte Geheimnisse schützt. Schließen Sie ihn mit: chmod "
        "600 {path}",
    },
    "key.unreadable": {
        "en": "This user may not read {path}. Start Kontor as the user that the file belongs to.",
        "de": "Dieser Benutzer darf {path} nicht lesen. Starten Sie Kontor als der Benutzer, dem die Datei gehört.",
    },
    "key.unusable": {
        "en": "The master key cannot be used. {reason} If the file was damaged, put it back from a backup: without "
        "it, stored secrets cannot be opened again.",
        "de": "Der Hauptschlüssel ist nicht brauchbar. {reason} Wurde die Datei beschädigt, holen Sie sie aus einer "
        "Sicherung zurück: Ohne sie lassen sich gespeicherte Geheimnisse nicht wieder öffnen.",
    },
    "app.missing": {
        "en": "The web app is not built. In the source tree ./kontor builds it; a package from a release has it "
        "inside.",
        "de": "Die Web-App ist nicht gebaut. Im Quellbaum baut ./kontor sie; ein veröffentlichtes Paket enthält sie.",
    },
    "port.not_ready": {
        "en": "A Kontor runs there but is not ready. If that lasts, its log says why.",
        "de": "Dort läuft ein Kontor, das nicht bereit ist. Hält das an, steht der Grund in seinem Protokoll.",
    },
    "port.taken": {
        "en": "Something else uses port {port} ({holder}). End it, or choose another port: kontor --port {other}",
        "de": "Etwas anderes belegt Port {port} ({holder}). Beenden Sie es, oder wählen Sie einen anderen Port: "
        "kontor --port {other}",
    },
    "database.refused": {
        "en": "{reason}",
        "de": "{reason}",
    },
    "database.old": {
        "en": "Kontor needs PostgreSQL 16 or newer. Upgrade the server, or leave DATABASE_URL out to use the embedded "
        "one.",
        "de": "Kontor braucht PostgreSQL 16 oder neuer. Aktualisieren Sie den Server, oder lassen Sie DATABASE_URL "
        "weg, um den eingebauten zu verwenden.",
    },
    "database.password": {
        "en": "The server refuses the user or password in DATABASE_URL ({reason}). Correct them there.",
        "de": "Der Server weist Benutzer oder Passwort aus DATABASE_URL ab ({reason}). Berichtigen Sie sie dort.",
    },
    "database.no_such_database": {
        "en": "The server has no such database ({reason}). Create it, or correct its name in DATABASE_URL.",
        "de": "Der Server kennt diese Datenbank nicht ({reason}). Legen Sie sie an, oder berichtigen Sie den Namen in "
        "DATABASE_URL.",
    },
    "database.too_many": {
        "en": "The server has no connection left. Lower DATABASE_POOL or raise the server's max_connections.",
        "de": "Der Server hat keine Verbindung mehr frei. Senken Sie DATABASE_POOL, oder erhöhen Sie max_connections "
        "des Servers.",
    },
    "database.starting": {
        "en": "The server is still starting or recovering. Wait a moment.",
        "de": "Der Server startet noch oder stellt sich wieder her. Warten Sie einen Augenblick.",
    },
    "database.bad_url": {
        "en": "DATABASE_URL cannot be read ({reason}). It looks like postgresql://user:password@host:5432/name",
        "de": "DATABASE_URL ist nicht lesbar ({reason}). Sie sieht so aus: "
        "postgresql://benutzer:passwort@host:5432/name",
    },
    "database.unreachable": {
        "en": "The database does not answer ({reason}). Check that the server runs and that DATABASE_URL names it; "
        "the embedded one tells its reasons in postgres.log in the data folder.",
        "de": "Die Datenbank antwortet nicht ({reason}). Prüfen Sie, ob der Server läuft und DATABASE_URL ihn nennt; "
        "der eingebaute nennt seine Gründe in postgres.log im Datenordner.",
    },
    "vector.not_created": {
        "en": "pgvector is there but not switched on. As a superuser in this database: CREATE EXTENSION vector;",
        "de": "pgvector ist vorhanden, aber nicht eingeschaltet. Als Superuser in dieser Datenbank: CREATE EXTENSION "
        "vector;",
    },
    "vector.missing": {
        "en": "The server lacks pgvector. Install its package (on Debian postgresql-NN-pgvector) and run CREATE "
        "EXTENSION vector; or leave DATABASE_URL out to use the embedded server.",
        "de": "Dem Server fehlt pgvector. Installieren Sie das Paket (unter Debian postgresql-NN-pgvector) und führen "
        "Sie CREATE EXTENSION vector; aus, oder lassen Sie DATABASE_URL weg, um den eingebauten Server zu verwenden.",
    },
    "schema.newer": {
        "en": "The database was written by a newer Kontor (schema {found}; this one knows up to {head}). Start that "
        "version, or restore the dump in the folder backups that was taken before its upgrade.",
        "de": "Die Datenbank stammt von einem neueren Kontor (Schema {found}; dieses kennt bis {head}). Starten Sie "
        "jene Version, oder spielen Sie die Sicherung aus dem Ordner backups ein, die vor ihrer Umstellung entstand.",
    },
    "schema.older": {
        "en": "The schema is at {found} and will be brought to {head} at the next start, after a dump. Or now: kontor "
        "migrate",
        "de": "Das Schema steht auf {found} und wird beim nächsten Start nach einer Sicherung auf {head} gebracht. "
        "Oder gleich: kontor migrate",
    },
    "schema.broken": {
        "en": "The database holds Kontor's tables but no record of their version. Restore a backup, or name an empty "
        "database in DATABASE_URL.",
        "de": "Die Datenbank enthält Kontors Tabellen, aber keinen Vermerk ihrer Version. Spielen Sie eine Sicherung "
        "ein, oder nennen Sie in DATABASE_URL eine leere Datenbank.",
    },
    "clock.skew": {
        "en": "The clocks of this machine and the database differ. Sessions and codes may end too early or too late; "
        "set both by NTP.",
        "de": "Die Uhren dieses Rechners und der Datenbank weichen voneinander ab. Sitzungen und Codes können zu früh "
        "oder zu spät enden; stellen Sie beide über NTP.",
    },
    "connections.few": {
        "en": "Almost all connections of the server are in use. Lower DATABASE_POOL or raise max_connections.",
        "de": "Fast alle Verbindungen des Servers sind belegt. Senken Sie DATABASE_POOL, oder erhöhen Sie "
        "max_connections.",
    },
    "role.too_strong": {
        "en": "The role {role} could step around row-level security. Give the application a role of its own that is "
        "no superuser, has no BYPASSRLS and owns no table, and name it in DATABASE_APP_URL.",
        "de": "Die Rolle {role} könnte Row-Level Security umgehen. Geben Sie der Anwendung eine eigene Rolle, die "
        "weder Superuser ist noch BYPASSRLS hat und keine Tabelle besitzt, und nennen Sie sie in DATABASE_APP_URL.",
    },
    "role.refused": {
        "en": "The server refuses the user or password in DATABASE_APP_URL. Correct them there.",
        "de": "Der Server weist Benutzer oder Passwort aus DATABASE_APP_URL ab. Berichtigen Sie sie dort.",
    },
    "role.unreachable": {
        "en": "The application's role cannot connect ({reason}).",
        "de": "Die Rolle der Anwendung kann sich nicht verbinden ({reason}).",
    },
    "dump.filtered": {
        "en": "The role {owner} may not see every row, so no whole dump can be taken before an upgrade. As a "
        "superuser: ALTER ROLE {owner} BYPASSRLS; or take backups yourself and set KONTOR_DUMP=off.",
        "de": "Die Rolle {owner} darf nicht jede Zeile sehen; vor einer Umstellung lässt sich deshalb nicht alles "
        "sichern. Als Superuser: ALTER ROLE {owner} BYPASSRLS; oder sichern Sie selbst und setzen Sie "
        "KONTOR_DUMP=off.",
    },
    "redis.unreachable": {
        "en": "Redis does not answer ({reason}). Start it, or leave REDIS_URL out where one web process is enough.",
        "de": "Redis antwortet nicht ({reason}). Starten Sie es, oder lassen Sie REDIS_URL weg, wo ein Web-Prozess "
        "genügt.",
    },
    "mail.none": {
        "en": "No mail server is set, so mails are only shown to administrators. Set SMTP_URL to have them sent.",
        "de": "Es ist kein Mailserver angegeben; Mails werden nur Administratoren gezeigt. Setzen Sie SMTP_URL, damit "
        "sie verschickt werden.",
    },
    "mail.unreachable": {
        "en": "The mail server does not answer as one ({reason}). Check host, port and smtp:// or smtps:// in "
        "SMTP_URL.",
        "de": "Der Mailserver antwortet nicht wie einer ({reason}). Prüfen Sie Host, Port und smtp:// oder smtps:// "
        "in SMTP_URL.",
    },
    "stream.unreachable": {
        "en": "Kontor cannot be reached at its public address ({reason}). Check KONTOR_URL, the proxy and the "
        "certificate.",
        "de": "Kontor ist unter seiner öffentlichen Adresse nicht erreichbar ({reason}). Prüfen Sie KONTOR_URL, den "
        "Proxy und das Zertifikat.",
    },
    "stream.held_back": {
        "en": "The proxy keeps answers back until they are complete, so nothing appears while it is written. In "
        "nginx: proxy_buffering off; (and no gzip for text/event-stream).",
        "de": "Der Proxy hält Antworten zurück, bis sie vollständig sind; nichts erscheint, während es entsteht. In "
        "nginx: proxy_buffering off; (und kein gzip für text/event-stream).",
    },
    "address.unnamed": {
        "en": "Kontor is open to other machines but does not know its public address. Name it in KONTOR_URL, or links "
        "in mails will be wrong.",
        "de": "Kontor ist für andere Rechner offen, kennt aber seine öffentliche Adresse nicht. Nennen Sie sie in "
        "KONTOR_URL, sonst stimmen Links in Mails nicht.",
    },
    "address.plain": {
        "en": "The public address is not encrypted: everybody on the way can read passwords. Put a proxy with TLS in "
        "front and begin KONTOR_URL with https://",
        "de": "Die öffentliche Adresse ist unverschlüsselt: Unterwegs kann jeder Passwörter mitlesen. Stellen Sie "
        "einen Proxy mit TLS davor, und lassen Sie KONTOR_URL mit https:// beginnen.",
    },
    "files.few": {
        "en": "Each open browser tab needs one. Raise the limit to {wanted} or more: ulimit -n {wanted}",
        "de": "Jeder offene Browser-Tab braucht eine. Erhöhen Sie die Grenze auf mindestens {wanted}: ulimit -n "
        "{wanted}",
    },
}
