"""German."""

from __future__ import annotations

from dialogue.phrases.bank import Ask, Phrases

GERMAN = Phrases(
    goal=(
        "Bitte baue für {x} einen Export: eine CSV-Datei pro Monat und dazu einen Knopf auf der Übersichtsseite.",
        "{x} hängt noch an der alten Warteschlange. Zieh das bitte auf den neuen Planer um und wirf weg, was dann "
        "keiner mehr aufruft.",
        "Die Seite für {x} lädt zu träge, mach sie schneller.",
    ),
    switch=("So, jetzt etwas anderes: ", "Das lassen wir erst einmal liegen. Neuer Punkt: ", "Themenwechsel. "),
    rule=(
        "Eins gilt dabei durchgehend: {x} wird nicht angerührt.",
        "Und ruf {x} bitte nie aus den Request-Handlern auf.",
        "Pro Kunde darf es nur ein {x} geben, das musst du einplanen.",
    ),
    correction=(
        "Nein, so war das nicht gemeint. Die Grenze gehört in {x}, nicht in den Controller.",
        "Falsche Stelle, ich meinte {x}. Bau es dort ein.",
    ),
    bug=(
        "Ich habe es gerade probiert: {x} kommt leer zurück, wenn das Konto neu ist. Schaust du dir das an?",
        "{x} stürzt ab, sobald ich den zweiten Reiter öffne.",
        "Seit deiner Änderung zeigt {x} die falsche Summe.",
    ),
    substep=(
        "Schreib auch noch einen Test für {x}.",
        "Gib {x} einen eigenen Abschnitt in den Einstellungen.",
        "Kannst du den alten Helfer noch in {x} umbenennen?",
    ),
    redirect=(
        "Halt, stopp. Mach zuerst {x}, der Rest kann warten.",
        "Moment, lass das. Sieh dir {x} an, bevor du weitermachst.",
    ),
    go_ahead=("Klingt gut, leg los.", "Ja, mach das als Nächstes.", "ok"),
    commit=("Bitte einchecken.", "committe das mal und push es"),
    run_tests=("Lass die Tests nochmal laufen.", "Kannst du einmal alle Tests starten?"),
    side_question=("Kurze Frage: wofür steht {x} eigentlich?", "Nebenbei, wer pflegt {x} inzwischen?"),
    thanks=("Danke, prima.", "Super gemacht, vielen Dank!"),
    hello=("Hallo", "Guten Morgen!"),
    resume=("weiter", "Mach bitte da weiter, wo wir stehen geblieben sind.", "Setz die Arbeit fort."),
    confirm=("Ja, von hier aus bitte.", "ja"),
    output_lead=("Das hier kam aus dem nächtlichen Lauf:", "Ich bekomme das:"),
    mail_lead=("Diese Mail kam rein:", "Ein Kunde schreibt uns:"),
    report_lead=("Der andere Agent schreibt:", "Das stand in der Durchsicht:"),
    look_at_it=("Kannst du dir das ansehen?", "Kümmere dich bitte darum."),
    done=(
        "{t} ist jetzt aufgeteilt, alle Aufrufer nutzen die neuen Teile.",
        "Ich bin {t} durchgegangen und habe das Laden aufgeräumt.",
        "Die Änderung an {t} ist drin, die Seite verhält sich wieder normal.",
    ),
    looked=("Bisher habe ich {t} durchgelesen.", "Ich habe mir angesehen, wie {t} heute arbeitet."),
    aside=("Der Diff ist klein.", "Betroffen sind drei Dateien."),
    acknowledged=("Verstanden, daran halte ich mich.", "Ist notiert."),
    announce=(
        "Als Nächstes stelle ich {x} auf den neuen Client um.",
        "Danach kommt {x} dran. Das nutzt noch das alte Format.",
        "Offen ist noch {x}, das nehme ich mir jetzt vor.",
    ),
    found=(
        "Die Ursache war {x}. Dort ging bei jedem Schreiben die Zeitzone verloren.",
        "Es hat sich gezeigt, dass {x} zweimal pro Anfrage aufgerufen wird.",
        "Die Zahlen stimmten nicht, weil {x} vor dem Summieren rundet.",
    ),
    dead_end=(
        "Zuerst habe ich {x} versucht, das lief unter Last in Verklemmungen, also habe ich es wieder ausgebaut.",
        "{x} hat nicht funktioniert: es kann keine komprimierten Dateien lesen.",
        "Der Weg über {x} war eine Sackgasse, die Schnittstelle ist dafür zu langsam.",
    ),
    doing=(
        "Jetzt passe ich die Aufrufer von {x} an.",
        "Ich bin gerade bei {x}. Das Lesen steht, das Schreiben fehlt noch.",
        "Ich schreibe jetzt den Lader von {x} um.",
    ),
    asks=(
        Ask("Soll ich {x} gleich mit löschen?", ("Ja, bitte.", "nein, lass es noch drin")),
        Ask(
            "Für {x} gibt es zwei Wege: einen Hintergrunddienst oder einen Zwischenspeicher davor. "
            "Welcher ist dir lieber?",
            ("Der Hintergrunddienst.", "den zweiten"),
        ),
        Ask(
            "Wo soll {x} hin, in die gemeinsame Bibliothek oder in den Dienst selbst?",
            ("In die Bibliothek.", "in den Dienst selbst"),
        ),
    ),
    side_answer=("{x} ist der Name des alten Abrechnungsdienstes.", "Um {x} kümmert sich die Plattformgruppe."),
    committed=("Ist eingecheckt und gepusht.", "Erledigt, der Commit ist drin."),
    tested=("Alle 84 Tests laufen durch.", "Die Suite ist grün."),
    welcome=("Gern geschehen.", "Freut mich."),
    standing=(
        "Bisher wird {t} umgebaut, ein Teil davon ist fertig.",
        "Es geht um {t}; die letzte Sitzung endete mittendrin.",
    ),
    continue_question=(
        "Möchtest du von hier aus weitermachen oder etwas anderes anfangen?",
        "Soll ich dort weitermachen, oder steht etwas anderes an?",
    ),
    mail="Von: Dana Weber <dana@example.com>\nAn: dev@example.com\nBetreff: {x}\n\nHallo zusammen,\n"
    "die Kunden fragen wieder nach {x}. Bis Freitag sollten wir eine Antwort haben.\nGrüße\nDana",
    report="Ich habe mir das Repository angesehen. Das ist mir aufgefallen:\n\n- {x} wird zweimal geladen\n"
    "- der Zwischenspeicher wird nie geleert\n- zwei Tests sind abgeschaltet\n\n"
    "Soll ich {x} zuerst in Ordnung bringen?",
)
