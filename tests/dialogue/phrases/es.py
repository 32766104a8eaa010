"""Spanish."""

from __future__ import annotations

from dialogue.phrases.bank import Ask, Phrases

SPANISH = Phrases(
    goal=(
        "Haz por favor una exportación para {x}: un fichero CSV por mes y un botón en la página de resumen.",
        "{x} sigue en la cola de trabajos antigua. Pásalo al planificador nuevo y quita lo que ya no llame nadie.",
        "La página de {x} tarda en abrirse, hazla más rápida.",
    ),
    switch=("Bueno, ahora otra cosa. ", "Eso puede esperar. Tema nuevo: ", "No tiene nada que ver: "),
    rule=(
        "Una regla para todo lo que viene: {x} se queda como está.",
        "Y no llames nunca a {x} desde los controladores, por favor.",
        "Solo puede haber un {x} por cliente, cuenta con ello.",
    ),
    correction=(
        "No, no me refería a eso. El límite va en {x}, no en el controlador.",
        "Te has equivocado de sitio, hablaba de {x}. Ponlo ahí.",
    ),
    bug=(
        "Acabo de probarlo y {x} vuelve vacío cuando la cuenta es nueva. ¿Puedes mirarlo?",
        "{x} se cae en cuanto abro la segunda pestaña.",
        "Desde tu cambio, {x} muestra un total equivocado.",
    ),
    substep=(
        "Añade también una prueba para {x}.",
        "Dale a {x} su propia sección en los ajustes.",
        "¿Puedes además cambiarle el nombre al módulo viejo por {x}?",
    ),
    redirect=(
        "Espera, para. Haz primero {x}, lo demás puede ir luego.",
        "Un momento, deja eso. Mira {x} antes de seguir.",
    ),
    go_ahead=("Me parece bien, adelante.", "Sí, haz eso ahora.", "vale"),
    commit=("haz commit por favor", "Commit y push."),
    run_tests=("Vuelve a pasar las pruebas.", "¿puedes lanzar toda la batería una vez?"),
    side_question=("Una duda rápida: ¿qué significa {x}?", "Por cierto, ¿quién lleva ahora {x}?"),
    thanks=("Gracias, perfecto.", "Buen trabajo, ¡muchas gracias!"),
    hello=("Hola", "¡Buenos días!"),
    resume=("continúa", "Retoma el trabajo donde lo dejamos, por favor.", "Sigue con lo que estabas haciendo."),
    confirm=("Sí, desde aquí.", "sí"),
    output_lead=("Esto es lo que sacó la tarea nocturna:", "Me sale esto:"),
    mail_lead=("Ha llegado este correo:", "Nos escribe un cliente:"),
    report_lead=("El otro agente ha escrito esto:", "Esto dice la revisión:"),
    look_at_it=("¿Puedes echarle un vistazo?", "Ocúpate de ello, por favor."),
    done=(
        "{t} está ahora dividido y todos los que lo llaman usan las partes nuevas.",
        "He repasado {t} y he ordenado el código de carga.",
        "El cambio en {t} está hecho y la página se comporta bien otra vez.",
    ),
    looked=("He leído {t} de principio a fin.", "He mirado cómo trabaja {t} hoy."),
    aside=("El diff es pequeño.", "Afecta a tres ficheros."),
    acknowledged=("Entendido, me atendré a eso.", "Anotado."),
    announce=(
        "A continuación paso {x} al cliente nuevo.",
        "Después viene {x}. Todavía usa el formato antiguo.",
        "Queda {x}; me pondré con ello enseguida.",
    ),
    found=(
        "La causa era {x}. Perdía la zona horaria en cada escritura.",
        "Resulta que {x} se llama dos veces por petición.",
        "Las cifras no cuadraban porque {x} redondea antes de sumar.",
    ),
    dead_end=(
        "Primero probé con {x}, pero se producían bloqueos con mucha carga, así que lo quité.",
        "{x} no funcionó: no sabe leer ficheros comprimidos.",
        "Ir por {x} fue un callejón sin salida, la interfaz es demasiado lenta para eso.",
    ),
    doing=(
        "Ahora estoy adaptando las llamadas a {x}.",
        "Estoy con {x}. La lectura funciona, falta la escritura.",
        "Ahora reescribo la carga de {x}.",
    ),
    asks=(
        Ask("¿Borro también {x}?", ("Sí, por favor.", "no, déjalo por ahora")),
        Ask(
            "Para {x} hay dos caminos: una tarea en segundo plano o una caché delante. ¿Cuál prefieres?",
            ("La tarea en segundo plano.", "la segunda"),
        ),
        Ask(
            "¿Dónde pongo {x}, en la biblioteca común o en el propio servicio?",
            ("En la biblioteca.", "en el propio servicio"),
        ),
    ),
    side_answer=(
        "{x} es el nombre de la antigua pasarela de facturación.",
        "De {x} se encarga el grupo de plataforma.",
    ),
    committed=("Ya está en el repositorio.", "Hecho, el commit está subido."),
    tested=("Pasan las 84 pruebas.", "Toda la batería está en verde."),
    welcome=("De nada.", "Me alegro."),
    standing=(
        "Hasta ahora se está reorganizando {t}, y una parte ya está hecha.",
        "El trabajo trata de {t}; la última sesión se quedó a medias.",
    ),
    continue_question=(
        "¿Quieres continuar desde aquí o empiezas algo distinto?",
        "¿Sigo desde ese punto, o tienes otra cosa en mente?",
    ),
    mail="De: Dana Ferrer <dana@example.com>\nPara: dev@example.com\nAsunto: {x}\n\nHola a todos:\n"
    "los clientes vuelven a preguntar por {x}. Deberíamos tener una respuesta el viernes.\nSaludos\nDana",
    report="He mirado el repositorio. Esto es lo que he notado:\n\n- {x} se carga dos veces\n"
    "- la caché no se vacía nunca\n- hay dos pruebas desactivadas\n\n¿Quieres que arregle {x} primero?",
)
