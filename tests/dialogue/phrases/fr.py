"""French."""

from __future__ import annotations

from dialogue.phrases.bank import Ask, Phrases

FRENCH = Phrases(
    goal=(
        "Ajoute s'il te plaît un export pour {x} : un fichier CSV par mois, avec un bouton sur la page d'accueil.",
        "{x} tourne encore sur l'ancienne file d'attente. Passe-le sur le nouvel ordonnanceur et enlève ce qui ne "
        "sert plus.",
        "La page de {x} met du temps à s'ouvrir, accélère-la.",
    ),
    switch=("Bon, on passe à autre chose. ", "Ça attendra. Nouveau sujet : ", "Rien à voir : "),
    rule=(
        "Un principe pour toute la suite : {x} ne bouge pas.",
        "Et n'appelle jamais {x} depuis les contrôleurs, s'il te plaît.",
        "On ne peut avoir qu'un seul {x} par client, prévois-le.",
    ),
    correction=(
        "Non, ce n'est pas ce que je voulais dire. La limite va dans {x}, pas dans le contrôleur.",
        "Mauvais endroit, je parlais de {x}. Mets-le là.",
    ),
    bug=(
        "Je viens d'essayer : {x} revient vide quand le compte est neuf. Tu peux regarder ?",
        "{x} plante dès que j'ouvre le deuxième onglet.",
        "Depuis ta modification, {x} affiche un mauvais total.",
    ),
    substep=(
        "Ajoute aussi un test pour {x}.",
        "Donne à {x} sa propre section dans les réglages.",
        "Tu peux aussi renommer l'ancien module en {x} ?",
    ),
    redirect=(
        "Attends, arrête. Fais d'abord {x}, le reste peut suivre.",
        "Stop, laisse ça. Regarde {x} avant d'aller plus loin.",
    ),
    go_ahead=("Ça me va, vas-y.", "Oui, fais ça maintenant.", "ok"),
    commit=("fais un commit s'il te plaît", "Commit et push."),
    run_tests=("Relance les tests.", "Tu peux lancer toute la suite une fois ?"),
    side_question=("Petite question : que veut dire {x} ?", "Au fait, qui s'occupe de {x} maintenant ?"),
    thanks=("Merci, c'est parfait.", "Beau travail, merci beaucoup !"),
    hello=("Salut", "Bonjour !"),
    resume=("continue", "Reprends là où on s'était arrêtés.", "On poursuit le travail."),
    confirm=("Oui, à partir d'ici.", "oui"),
    output_lead=("Voilà ce que la tâche de nuit a affiché :", "J'obtiens ceci :"),
    mail_lead=("Ce mail vient d'arriver :", "Un client nous écrit :"),
    report_lead=("L'autre agent a écrit ceci :", "Voici ce que dit la relecture :"),
    look_at_it=("Tu peux regarder ?", "Occupe-t'en s'il te plaît."),
    done=(
        "{t} est maintenant découpé et tous les appelants utilisent les nouvelles parties.",
        "J'ai parcouru {t} et remis de l'ordre dans le chargement.",
        "La modification de {t} est en place et la page se comporte normalement.",
    ),
    looked=("J'ai lu {t} en entier.", "J'ai regardé comment {t} fonctionne aujourd'hui."),
    aside=("Le diff reste petit.", "Trois fichiers sont concernés."),
    acknowledged=("Compris, je m'y tiendrai.", "C'est noté."),
    announce=(
        "Je vais ensuite passer {x} sur le nouveau client.",
        "Après cela vient {x}. Il utilise encore l'ancien format.",
        "Il reste {x}, je m'en occupe juste après.",
    ),
    found=(
        "La cause était {x}. Le fuseau horaire s'y perdait à chaque écriture.",
        "Il se trouve que {x} est appelé deux fois par requête.",
        "Les chiffres étaient faux parce que {x} arrondit avant la somme.",
    ),
    dead_end=(
        "J'ai d'abord essayé {x}, mais il y avait des interblocages sous charge, alors je l'ai retiré.",
        "{x} n'a pas fonctionné : il ne sait pas lire les fichiers compressés.",
        "Passer par {x} était une impasse, l'interface est trop lente pour cela.",
    ),
    doing=(
        "J'adapte maintenant les appelants de {x}.",
        "J'en suis à {x}. La lecture est faite, pas encore l'écriture.",
        "Je réécris maintenant le chargement de {x}.",
    ),
    asks=(
        Ask("Est-ce que je supprime {x} par la même occasion ?", ("Oui, vas-y.", "non, garde-le pour l'instant")),
        Ask(
            "Pour {x}, il y a deux solutions : une tâche de fond, ou un cache devant. Laquelle préfères-tu ?",
            ("La tâche de fond.", "la deuxième"),
        ),
        Ask(
            "Où placer {x}, dans la bibliothèque commune ou dans le service lui-même ?",
            ("Dans la bibliothèque.", "dans le service lui-même"),
        ),
    ),
    side_answer=(
        "{x} est le nom de l'ancien service de facturation.",
        "C'est le groupe plateforme qui a {x} en charge.",
    ),
    committed=("C'est commité et poussé.", "Fait, le commit est en place."),
    tested=("Les 84 tests passent.", "Toute la suite est verte."),
    welcome=("Avec plaisir.", "Tant mieux."),
    standing=(
        "Pour l'instant {t} est en cours de remaniement, une partie est faite.",
        "Le travail porte sur {t} ; la dernière session s'est arrêtée au milieu.",
    ),
    continue_question=(
        "Veux-tu continuer à partir d'ici, ou commencer autre chose ?",
        "Je reprends là, ou tu as autre chose en tête ?",
    ),
    mail="De : Dana Lemaire <dana@example.com>\nÀ : dev@example.com\nObjet : {x}\n\nBonjour à tous,\n"
    "les clients nous relancent à propos de {x}. Il nous faut une réponse pour vendredi.\nCordialement\nDana",
    report="J'ai regardé le dépôt. Voici ce que j'ai remarqué :\n\n- {x} est chargé deux fois\n"
    "- le cache n'est jamais vidé\n- deux tests sont désactivés\n\nVeux-tu que je corrige {x} en premier ?",
)
